//! The value of `--policy`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use foretell_evaluation::policy::PolicyName;

/// Parses the name of a policy; the help lists the names.
pub fn policy_name() -> impl TypedValueParser<Value = PolicyName> {
    PossibleValuesParser::new(PolicyName::ALL.map(PolicyName::as_str)).map(|name| {
        let named = PolicyName::ALL
            .into_iter()
            .find(|policy| policy.as_str() == name);
        named.unwrap_or(PolicyName::Evidence)
    })
}
