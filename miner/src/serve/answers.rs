//! Answers given, on disk before they leave: a restarted miner gives the same again and can still reveal.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use foretell_core::attest::{Commitment, Nonce, commitment, nonce_text};
use foretell_core::hotkey::Hotkey;
use foretell_core::series::RoundId;
use foretell_core::time::Millis;
use foretell_wire::keypair::Keypair;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An answer is kept for this long after its round's origin, by the origins of later rounds.
const KEPT: Millis = Millis::days(2);

/// What a miner is bound to in one round of one validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The round.
    pub round: RoundId,
    /// Hides the payload until it is revealed.
    pub nonce: Nonce,
    /// What was committed to.
    pub commitment: Commitment,
    /// The payload, verbatim.
    pub payload: String,
}

/// Why an answer can't be kept or found.
#[derive(Debug, Error)]
pub enum AnswersError {
    /// The disk.
    #[error("can't keep the answer in {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is no answer.
    #[error("{path} is no answer of this miner: move it away")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
}

/// The directory of answers, one file for each round and validator.
#[derive(Debug)]
pub struct Answers {
    folder: PathBuf,
    /// Held while writing: a validator may ask again before its first request is answered.
    writing: Mutex<()>,
}

impl Answer {
    /// The answer of `key` with this payload. Its nonce depends on key, round and validator alone, so the same
    /// request always gets the same commitment.
    pub fn new(key: &Keypair, round: RoundId, validator: &Hotkey, payload: String) -> Self {
        let nonce = key.nonce(&nonce_text(&round, validator));
        let commitment = commitment(&round, validator, &key.hotkey(), &nonce, payload.as_bytes());
        Self {
            round,
            nonce,
            commitment,
            payload,
        }
    }
}

impl Answers {
    /// The answers kept in `folder`, which exists.
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            writing: Mutex::new(()),
        }
    }

    /// The answer given to `validator` in `round`, if any.
    pub fn find(
        &self,
        round: &RoundId,
        validator: &Hotkey,
    ) -> Result<Option<Answer>, AnswersError> {
        let path = self.file(round, validator);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AnswersError::Io { path, source }),
        };
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|source| AnswersError::Foreign { path, source })?;
        Ok((answer.round == *round).then_some(answer))
    }

    /// Keeps an answer durably, forgets those of rounds long past, and gives the answer that counts: an earlier
    /// one to the same request if there is one, since nobody is bound to two.
    pub fn keep(&self, answer: Answer, validator: &Hotkey) -> Result<Answer, AnswersError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = self.find(&answer.round, validator)? {
            return Ok(earlier);
        }
        let path = self.file(&answer.round, validator);
        let write = || -> io::Result<()> {
            let unfinished = path.with_extension("new");
            let mut file = File::create(&unfinished)?;
            file.write_all(&serde_json::to_vec(&answer)?)?;
            file.sync_data()?;
            fs::rename(&unfinished, &path)?;
            // The rename itself is durable only once the folder is.
            File::open(&self.folder)?.sync_all()?;
            self.forget(&answer)
        };
        match write() {
            Ok(()) => Ok(answer),
            Err(source) => Err(AnswersError::Io { path, source }),
        }
    }

    fn forget(&self, newest: &Answer) -> io::Result<()> {
        let oldest = (newest.round.origin - KEPT).0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let origin = name.to_str().and_then(|name| name.split_once('-'));
            if origin.is_some_and(|(origin, _)| origin.parse().is_ok_and(|t: i64| t < oldest)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn file(&self, round: &RoundId, validator: &Hotkey) -> PathBuf {
        self.folder
            .join(format!("{}-{validator}.json", round.origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(day: i64) -> RoundId {
        format!("BTC/USD@{}", Millis::days(day).0).parse().unwrap()
    }

    #[test]
    fn an_answer_is_found_again_and_is_the_same_for_the_same_request() {
        let folder = tempfile::tempdir().unwrap();
        let key = Keypair::derived(1, "miner");
        let validator = Keypair::derived(1, "validator").hotkey();
        let answers = Answers::new(folder.path().to_owned());
        let answer = Answer::new(&key, round(1), &validator, "{}".into());
        assert_eq!(answer, Answer::new(&key, round(1), &validator, "{}".into()));
        assert_eq!(answers.find(&round(1), &validator).unwrap(), None);
        let kept = answers.keep(answer.clone(), &validator).unwrap();
        assert_eq!(kept, answer);
        assert_eq!(answers.find(&round(1), &validator).unwrap(), Some(answer));
        assert_eq!(answers.find(&round(1), &key.hotkey()).unwrap(), None);
    }

    #[test]
    fn old_answers_are_forgotten_and_foreign_files_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = Keypair::derived(1, "miner");
        let validator = Keypair::derived(1, "validator").hotkey();
        let answers = Answers::new(folder.path().to_owned());
        fs::write(folder.path().join("notes-of-mine.txt"), "x").unwrap();
        for day in [1, 2, 3, 4] {
            let answer = Answer::new(&key, round(day), &validator, "{}".into());
            answers.keep(answer, &validator).unwrap();
        }
        assert_eq!(answers.find(&round(1), &validator).unwrap(), None);
        assert!(answers.find(&round(2), &validator).unwrap().is_some());
        assert!(folder.path().join("notes-of-mine.txt").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_mangled_answer_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let validator = Keypair::derived(1, "validator").hotkey();
        let answers = Answers::new(folder.path().to_owned());
        fs::write(answers.file(&round(1), &validator), "{").unwrap();
        let error = answers.find(&round(1), &validator).unwrap_err();
        assert!(error.to_string().contains("is no answer"));
    }

    #[test]
    fn the_first_answer_to_a_request_binds_whoever_asks_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let key = Keypair::derived(1, "miner");
        let validator = Keypair::derived(1, "validator").hotkey();
        let answers = Answers::new(folder.path().to_owned());
        let kept: Vec<Answer> = std::thread::scope(|scope| {
            let askers: Vec<_> = (0..8)
                .map(|i| {
                    let answer = Answer::new(&key, round(1), &validator, format!("{{{i}}}"));
                    let answers = &answers;
                    scope.spawn(move || answers.keep(answer, &validator).unwrap())
                })
                .collect();
            askers
                .into_iter()
                .map(|asker| asker.join().unwrap())
                .collect()
        });
        let found = answers.find(&round(1), &validator).unwrap().unwrap();
        assert!(kept.iter().all(|answer| *answer == found));
    }
}
