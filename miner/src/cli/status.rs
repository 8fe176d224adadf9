//! `miner status`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_cli::path_text::parse_path;
use foretell_cli::printable::printable;
use foretell_cli::{output, time_text};
use serde::Serialize;

use crate::config::MinerConfig;
use crate::model_file::{ModelFile, TrainingSpan};
use crate::serve::{OutcomeLog, ReceivedOutcome};

/// Outcomes that are shown, newest first.
const MAX_OUTCOMES_SHOWN: usize = 20;

/// Show the miner's record: its model, and what validators said of its answers.
///
/// Example: miner status --config miner.toml
#[derive(Debug, Args)]
pub struct MinerStatusArgs {
    /// Configuration file (TOML).
    #[arg(long, value_parser = parse_path)]
    config: PathBuf,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct MinerStatus {
    series: String,
    model: String,
    /// What the model in place was fitted on.
    fitted: Option<TrainingSpan>,
    /// Number of outcomes received.
    rounds: usize,
    /// Number of them with a score.
    scored: usize,
    /// 1 − ΣS/ΣS_ref over the scored ones.
    skill: Option<f64>,
    /// As in the newest outcome.
    rank: Option<usize>,
    weight: Option<f64>,
    outcomes: Vec<ReceivedOutcome>,
}

/// Reads the data directory and prints.
pub fn run(args: &MinerStatusArgs) -> Result<()> {
    let config = MinerConfig::read(&args.config)?;
    let status = MinerStatus::read(&config)?;
    let text = if args.json {
        serde_json::to_string_pretty(&status)?
    } else {
        status.text()
    };
    Ok(output::print_line(text)?)
}

impl MinerStatus {
    fn read(config: &MinerConfig) -> Result<Self> {
        let folder = &config.serve.data;
        let mut outcomes = OutcomeLog::new(folder).read_all()?;
        for received in &mut outcomes {
            // A validator's words, printed as text or as JSON.
            let reason = &mut received.outcome.reason;
            *reason = reason.take().map(|reason| printable(&reason).into_owned());
        }
        let path = folder.join("model.json");
        let fitted = if path.exists() {
            Some(ModelFile::read(&path)?.data)
        } else {
            None
        };
        let scores = outcomes
            .iter()
            .filter_map(|received| Some((received.outcome.score?, received.outcome.reference?)));
        let (scored, sum, reference) = scores.fold((0, 0.0, 0.0), |(n, s, r), (score, of)| {
            (n + 1, s + score, r + of)
        });
        let last = outcomes.last().map(|received| &received.outcome);
        Ok(Self {
            series: config.series.id.to_string(),
            model: config.model.name.clone(),
            fitted,
            rounds: outcomes.len(),
            scored,
            skill: (reference > 0.0).then(|| 1.0 - sum / reference),
            rank: last.and_then(|outcome| outcome.rank),
            weight: last.and_then(|outcome| outcome.weight),
            outcomes,
        })
    }

    fn text(&self) -> String {
        let fitted = match &self.fitted {
            Some(span) => format!(
                "fitted on {} bars to {}",
                span.bars,
                time_text::format_time(span.to)
            ),
            None => "not fitted yet".into(),
        };
        let mut text = format!("{} by {}, {fitted}", self.series, self.model);
        if self.outcomes.is_empty() {
            return text + "\nno validator has told of an outcome yet";
        }
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"))
        };
        text += &format!(
            "\n{} rounds told of, {} scored; skill {} %; rank {}, weight {} %\n",
            self.rounds,
            self.scored,
            number(self.skill.map(|skill| 100.0 * skill), 2),
            self.rank
                .map_or_else(|| "–".into(), |rank| rank.to_string()),
            number(self.weight.map(|weight| 100.0 * weight), 2),
        );
        for received in self.outcomes.iter().rev().take(MAX_OUTCOMES_SHOWN) {
            let outcome = &received.outcome;
            text += &format!(
                "\n{}  {:<10} score {}, reference {}{}",
                time_text::format_time(outcome.round.origin),
                outcome.verdict,
                number(outcome.score, 4),
                number(outcome.reference, 4),
                outcome
                    .reason
                    .as_ref()
                    .map(|reason| format!(": {reason}"))
                    .unwrap_or_default(),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_validators_words_steer_no_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let validator = foretell_keys::keypair::Keypair::derived(1, "validator").hotkey();
        let line = format!(
            r#"{{"validator":"{validator}","round":"BTC/USD@1704067200000","verdict":"missed",
            "reason":"\u001b[2J\u001b[31mgone\r\n2024-01-01T00:00:00Z  scored\u202e",
            "anchor":null,"realised":[],"score":null,"reference":0.53,"rank":null,"weight":null}}"#
        );
        let line = line.replace('\n', " ");
        fs::write(folder.path().join("outcomes.jsonl"), line + "\n").unwrap();
        let config = format!(
            "[series]\nid = \"BTC/USD\"\nstep_ms = 300000\nhorizon = 4\n[prices]\nvenue = \"bitstamp\"\nsymbol = \"btcusd\"\n\
             [model]\nname = \"har\"\n[serve]\nlisten = \"127.0.0.1:0\"\ndata = {:?}\n",
            folder.path()
        );
        let status = MinerStatus::read(&toml::from_str(&config).unwrap()).unwrap();
        let text = status.text();
        let shown = text.lines().last().unwrap();
        assert!(
            shown.ends_with("reference 0.5300: gone  2024-01-01T00:00:00Z  scored"),
            "{text}"
        );
        let json = serde_json::to_string(&status).unwrap();
        assert!(
            !json.contains("u001b") && !json.contains('\u{202e}'),
            "{json}"
        );
    }
}
