//! The keys of the JSON of `backtest`, `localnet` and `evaluate`.

/// Keys of a document.
pub const RESULT_KEYS: [&str; 8] = [
    "series",
    "policy",
    "rules",
    "rounds",
    "void_rounds",
    "unsettled",
    "leaderboard",
    "timing",
];

/// Keys of a row of its leaderboard.
pub const LEADERBOARD_ROW_KEYS: [&str; 19] = [
    "miner",
    "rank",
    "rounds",
    "missed",
    "score",
    "skill",
    "rmse_bps",
    "mae_bps",
    "crps_bps",
    "directional_accuracy",
    "coverage_50",
    "coverage_80",
    "coverage_95",
    "dm_t",
    "dm_p",
    "in_mcs",
    "advantage",
    "advantage_se",
    "weight",
];
