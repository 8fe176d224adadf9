//! What people read of bad values of the flags that both programs have: all in one snapshot.

use std::fmt::Write;

use clap::Parser;

use crate::network_flags::NetworkFlags;
use crate::wallet_flags::{WalletFlags, WalletOverrides};

#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    wallet: WalletFlags,
    #[command(flatten)]
    network: NetworkFlags,
}

#[derive(Debug, Parser)]
struct Overrides {
    #[command(flatten)]
    wallet: WalletOverrides,
}

#[test]
fn what_is_said_of_bad_flags() {
    let mut lines = String::new();
    let long = "x".repeat(300);
    for flags in [
        "--wallet ../mine",
        "--wallet=",
        "--hotkey a/b",
        "--hotkey mypub.txt",
        "--wallet-path=",
        "--wallet-path ~you/wallets",
        "--password-file=",
        "--pasword-file p",
        "--wallet.name",
        "--network main",
        "--network",
        "--endpoint http://127.0.0.1",
        "--network test --endpoint ws://127.0.0.1:9944",
        "--netuid -1",
        "--netuid 70000",
        "--netuid eight",
    ] {
        let error = Flags::try_parse_from(std::iter::once("miner").chain(flags.split(' ')));
        let error = error.unwrap_err().to_string();
        let said: Vec<&str> = error.lines().filter(|line| !line.is_empty()).collect();
        writeln!(lines, "{flags}\n  {}", said.join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(lines);
    let error = Overrides::try_parse_from(["validator", "--wallet", &long]).unwrap_err();
    assert!(error.to_string().contains("it is too long"), "{error}");
}

/// Every command that opens a hotkey takes what its messages name.
#[test]
fn a_password_file_goes_with_flags_and_with_overrides() {
    let home = std::env::home_dir().unwrap();
    let given = [
        "--password-file=~/pw",
        "--allow-exposed-keyfile",
        "--wallet-path=~/w",
    ];
    let flags = Flags::try_parse_from(std::iter::once("miner").chain(given)).unwrap();
    let overrides = Overrides::try_parse_from(std::iter::once("validator").chain(given)).unwrap();
    let access = overrides.wallet.keyfile_access();
    assert!(access.allow_exposed);
    let password = foretell_keys::keyfile::PasswordSource::File(home.join("pw"));
    assert_eq!(access.password_source, password);
    assert_eq!(flags.wallet.wallet_hotkey().path, home.join("w"));
    let resolved = overrides.wallet.resolve(None).unwrap().unwrap();
    assert_eq!(resolved.path, home.join("w"));
}
