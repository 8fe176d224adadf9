//! The keys of the JSON of `backtest`, `localnet` and `evaluate`.

/// The keys that every such document has.
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

/// The keys that every row of its leaderboard has.
pub const LEADERBOARD_ROW_KEYS: [&str; 20] = [
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
    "advantage_half_width",
    "weight",
];
