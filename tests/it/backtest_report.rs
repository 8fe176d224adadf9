//! The backtest's page, as a real browser shows it.

use std::fs;

use foretell_testkit::{BacktestFixture, inspect_page};
use serde_json::Value;

#[test]
fn a_report_takes_the_place_of_another_only_when_it_is_whole() {
    let fixture = BacktestFixture::new(3);
    let forecasts = fixture.three_miners(3);
    let folder = fixture.folder.path().join("report");
    let (page, kept) = (folder.join("report.html"), folder.join("kept.html"));
    fs::create_dir(&folder).unwrap();
    fs::write(&page, "the report of before").unwrap();
    fs::hard_link(&page, &kept).unwrap();
    let ended = fixture.run(&forecasts, &["--report", folder.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // What was there was not written to.
    assert_eq!(fs::read_to_string(&kept).unwrap(), "the report of before");
    assert!(fs::read_to_string(&page).unwrap().ends_with("</html>\n"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn the_report_reads_well_on_desktop_and_phone_in_light_and_dark() {
    let fixture = BacktestFixture::new(5);
    let forecasts = fixture.three_miners(140);
    let folder = fixture.folder.path().join("deep/report");
    let policies = [
        "--policy",
        "evidence,taoshi,increments",
        "--report",
        folder.to_str().unwrap(),
    ];
    let ended = fixture.run(&forecasts, &policies);
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
    for found in inspect_page(&page) {
        let name = &found["viewport"];
        assert_eq!(found["consoleErrors"], Value::Array(Vec::new()), "{name}");
        assert_eq!(found["requests"], 1, "{name}");
        assert_eq!(found["overflow"], 0, "{name}");
        assert_eq!(found["empty"], 0, "{name}");
        assert_eq!(found["textsOutside"], Value::Array(Vec::new()), "{name}");
        assert!(
            found["smallestText"].as_f64() > Some(8.0),
            "{name}: {}",
            found["smallestText"]
        );
        assert_eq!(found["tables"], 3, "{name}");
        let (background, foreground) = (
            found["background"].as_f64().unwrap(),
            found["foreground"].as_f64().unwrap(),
        );
        let dark = name.as_str().unwrap().ends_with("dark");
        assert_eq!(background < foreground, dark, "{name}");
        assert!(
            (background - foreground).abs() > 0.6,
            "{name}: {background} {foreground}"
        );
        let titles: Vec<&str> = found["titles"]
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
