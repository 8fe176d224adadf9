//! Extrinsics, decoded by the runtime's own metadata.

use std::net::{Ipv4Addr, SocketAddr};

use foretell_chain::subtensor::runtime::Runtime;
use foretell_core::hotkey::Hotkey;
use subxt::ext::codec::{Compact, Decode};
use subxt::ext::frame_decode::extrinsics::decode_extrinsic;

/// An extrinsic in the pool.
pub struct PendingExtrinsic {
    /// Who signed it.
    pub account: Hotkey,
    /// Its place among the account's extrinsics.
    pub nonce: u32,
    /// The last block that it may go into.
    pub last: u64,
    /// The call that it carries.
    pub call: DecodedCall,
}

/// The calls that our client sends.
pub enum DecodedCall {
    /// `set_weights`, or its form with a mechanism.
    Weights {
        uids: Vec<u16>,
        values: Vec<u16>,
        version_key: u64,
    },
    /// `serve_axon`.
    Axon(SocketAddr),
}

impl PendingExtrinsic {
    /// Decodes an extrinsic in hex that comes in after block `newest`; a refusal as a real pool words it.
    pub fn decode(text: &str, runtime: &Runtime, newest: u64) -> Result<Self, String> {
        let bytes = hex::decode(&text[2..]).unwrap();
        let metadata = runtime.metadata();
        let read = decode_extrinsic(&mut &bytes[..], metadata, metadata.types());
        let read = read.map_err(|_| "Transaction has a bad signature".to_owned())?;
        let address = read.signature_payload().unwrap().address_range();
        let account = Hotkey(bytes[address][1..].try_into().unwrap());
        let extensions = read.transaction_extension_payload().unwrap();
        let extension = |name: &str| {
            let found = extensions.iter().find(|part| part.name() == name).unwrap();
            &bytes[found.range()]
        };
        let nonce = Compact::<u32>::decode(&mut extension("CheckNonce"));
        let argument = |name: &str| {
            let found = read.call_data().find(|part| part.name() == name).unwrap();
            &bytes[found.range()]
        };
        let call = match read.call_name() {
            "set_weights" | "set_mechanism_weights" => DecodedCall::Weights {
                uids: Decode::decode(&mut argument("dests")).unwrap(),
                values: Decode::decode(&mut argument("weights")).unwrap(),
                version_key: Decode::decode(&mut argument("version_key")).unwrap(),
            },
            "serve_axon" => {
                let ip = u128::decode(&mut argument("ip")).unwrap();
                let port = u16::decode(&mut argument("port")).unwrap();
                let ip = Ipv4Addr::from(u32::try_from(ip).unwrap());
                DecodedCall::Axon(SocketAddr::new(ip.into(), port))
            }
            other => panic!("nobody sends a node {other}"),
        };
        Ok(Self {
            account,
            nonce: nonce.unwrap().0,
            last: last_block(extension("CheckMortality"), newest),
            call,
        })
    }
}

/// The last block of an era: two bytes that hold the logarithm of its period, and its phase (periods up to 4,096).
fn last_block(mut era: &[u8], now: u64) -> u64 {
    let encoded = u64::from(u16::decode(&mut era).unwrap());
    let period = 2 << (encoded % 16);
    let phase = encoded >> 4;
    let birth = (now.max(phase) - phase) / period * period + phase;
    birth + period - 1
}
