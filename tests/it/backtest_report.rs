//! The backtest's page, as a real browser shows it.

use std::fs;

use serde_json::Value;

use super::driver::Bench;
use super::driver::look_at;

#[test]
fn the_page_reads_well_on_a_desk_and_on_a_phone_light_and_dark() {
    let bench = Bench::new(5);
    let forecasts = bench.three_miners(140);
    let folder = bench.folder.path().join("deep/report");
    let policies = [
        "--policy",
        "evidence,taoshi,increments",
        "--report",
        folder.to_str().unwrap(),
    ];
    let ended = bench.run(&forecasts, &policies);
    ended.json();
    assert!(ended.stderr.contains("report.html"), "{}", ended.stderr);
    let page = folder.join("report.html");
    let text = fs::read_to_string(&page).unwrap();
    for outside in ["http://", "https://", "src=", "<script", "@import", "url("] {
        assert!(
            !text.contains(outside),
            "the page is not self-contained: {outside}"
        );
    }
    for look in look_at(&page) {
        let name = &look["look"];
        assert_eq!(look["complaints"], Value::Array(Vec::new()), "{name}");
        assert_eq!(look["requests"], 1, "{name}");
        assert_eq!(look["overflow"], 0, "{name}");
        assert_eq!(look["empty"], 0, "{name}");
        assert_eq!(look["textsOutside"], Value::Array(Vec::new()), "{name}");
        assert!(
            look["smallestText"].as_f64() > Some(8.0),
            "{name}: {}",
            look["smallestText"]
        );
        assert_eq!(look["tables"], 3, "{name}");
        let (paper, ink) = (
            look["paper"].as_f64().unwrap(),
            look["ink"].as_f64().unwrap(),
        );
        let dark = name.as_str().unwrap().ends_with("dark");
        assert_eq!(paper < ink, dark, "{name}");
        assert!((paper - ink).abs() > 0.6, "{name}: {paper} {ink}");
        let titles: Vec<&str> = look["titles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t.as_str().unwrap())
            .collect();
        for title in [
            "Cumulative advantage",
            "Weights over time, policy evidence",
            "Weights over time, policy taoshi",
            "Weights over time, policy increments",
            "CRPS by horizon",
            "Coverage",
            "PIT of right",
        ] {
            assert!(
                titles.contains(&title),
                "{name}: no {title:?} in {titles:?}"
            );
        }
        for beginning in ["The best round: ", "The worst round: "] {
            assert!(
                titles.iter().any(|title| title.starts_with(beginning)),
                "{name}: {titles:?}"
            );
        }
    }
}
