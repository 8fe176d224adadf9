//! The fit's state as bytes, which the store keeps and a record names by their hash.

use thiserror::Error;

use super::fit_state::FitState;
use crate::hotkey::Hotkey;
use crate::time::UnixMillis;

/// The header: form and version.
const MAGIC: &[u8; 16] = b"foretell/fit/1\n\0";

/// The error of bytes that are no stored state, or not the one that a snapshot names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the stored state of the fit is damaged")]
pub struct DamagedFitState;

impl FitState {
    /// The state's bytes: header, latest origin, number of miners, hotkeys, c, upper triangle of G; little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let n = self.miners.len();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.latest.map_or(i64::MIN, UnixMillis::get).to_le_bytes());
        bytes.extend((n as u64).to_le_bytes());
        bytes.extend(self.miners.iter().flat_map(|miner| miner.0));
        let triangle = (0..n).flat_map(|m| &self.curvature[m * n + m..(m + 1) * n]);
        let numbers = self.slope.iter().chain(triangle);
        bytes.extend(numbers.flat_map(|x| x.to_le_bytes()));
        bytes
    }

    /// The state of these bytes; an error unless they are exactly a state's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedFitState> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(DamagedFitState)?;
        let latest = i64::from_le_bytes(read_array(&mut rest)?);
        let n = usize::try_from(u64::from_le_bytes(read_array(&mut rest)?))
            .map_err(|_| DamagedFitState)?;
        let numbers = n
            .checked_add(1)
            .and_then(|m| n.checked_mul(m))
            .and_then(|twice| (twice / 2).checked_add(n))
            .ok_or(DamagedFitState)?;
        let expected = numbers.checked_mul(8).zip(n.checked_mul(32));
        if expected.and_then(|(a, b)| a.checked_add(b)) != Some(rest.len()) {
            return Err(DamagedFitState);
        }
        let mut state = Self {
            latest: match latest {
                i64::MIN => None,
                latest => Some(UnixMillis::try_from(latest).map_err(|_| DamagedFitState)?),
            },
            miners: Vec::with_capacity(n),
            slope: Vec::with_capacity(n),
            curvature: vec![0.0; n * n],
        };
        for _ in 0..n {
            state.miners.push(Hotkey(read_array(&mut rest)?));
        }
        for _ in 0..n {
            state.slope.push(f64::from_le_bytes(read_array(&mut rest)?));
        }
        for m in 0..n {
            for j in m..n {
                let x = f64::from_le_bytes(read_array(&mut rest)?);
                state.curvature[m * n + j] = x;
                state.curvature[j * n + m] = x;
            }
        }
        Ok(state)
    }
}

fn read_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], DamagedFitState> {
    let (first, after) = rest.split_first_chunk::<N>().ok_or(DamagedFitState)?;
    *rest = after;
    Ok(*first)
}
