//! Processes that are killed at random moments lose nothing and double nothing: short runs of the `faults` program, which
//! can do the same for hours. Its seed is of this test, so that a failure can be looked at again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_faults")).args(arguments).output().unwrap();
    eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output
}

fn keeps_its_promises(log: &str) {
    let output = run(&["--log", log, "--kills", "25", "--seed", "1", "--drain", "120"]);
    assert!(output.status.success(), "{}", output.status);
}

/// A driver that sees nothing proves nothing.
fn is_seen(sabotage: &str, drain: &str, promise: &str) {
    let output = run(&["--sabotage", sabotage, "--kills", "25", "--seed", "2", "--drain", drain]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(&format!("BROKEN: {promise}")), "{told}");
}

#[test]
fn nothing_is_lost_or_doubled_in_sqlite_whoever_is_killed() {
    keeps_its_promises("sqlite");
}

#[test]
fn nothing_is_lost_or_doubled_in_postgres_whoever_is_killed() {
    keeps_its_promises("postgres");
}

#[test]
fn an_acknowledgement_before_the_commit_is_seen() {
    // It is lost when the process is killed in between, and out of order when another one commits in between.
    is_seen("acknowledge-early", "5", "what was acknowledged");
}

#[test]
fn a_checkpoint_before_the_handler_is_seen() {
    is_seen("checkpoint-first", "5", "every event is handled at least once");
}

#[test]
fn an_effect_beside_the_transaction_is_seen() {
    // An event in the place of another one, and not only too few at the end.
    is_seen("effects-beside-the-transaction", "30", "effects by feed are exactly once, in order: p");
}
