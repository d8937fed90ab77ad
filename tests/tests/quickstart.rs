//! The first command of the README does what the README says, and a second run over the same data goes on.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used)]

// Tests may unwrap; the lint knows test functions, and not the helpers beside them.

use std::path::Path;
use std::process::Command;

/// The README's own command, from the workspace's root.
fn quickstart(data: &Path) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", "quickstart", "--", "--data"])
        .arg(data)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

fn lines<'a>(output: &'a str, prefix: &str) -> Vec<&'a str> {
    output.lines().map(str::trim).filter(|line| line.starts_with(prefix)).collect()
}

#[test]
fn a_second_run_goes_on_where_the_first_stopped() {
    let data = tempfile::tempdir().unwrap();

    let first = quickstart(data.path());
    assert_eq!(lines(&first, "Feed: ").len(), 3, "{first}");
    assert_eq!(lines(&first, "Webhook: ").len(), 3, "{first}");
    assert_eq!(lines(&first, "a forged one is answered 401").len(), 1, "{first}");
    assert!(first.contains("in the log: 4 events, the last of them for the next run"), "{first}");

    let second = quickstart(data.path());
    assert!(second.contains("in the log: 4 events\n"), "{second}");
    // The one that was left, before those that are new.
    for transport in ["Feed: ", "Webhook: "] {
        let handled = lines(&second, transport);
        assert_eq!(handled.len(), 4, "{second}");
        assert!(handled[0].ends_with("/users/2 was Jane Foo and is Jane Bar now"), "{second}");
    }
    assert!(second.contains("feed: handled 3 before and 4 now, 7 together"), "{second}");
    assert!(second.contains("webhooks: handled 3 before and 4 now, 7 together"), "{second}");
    assert!(second.contains("handled more than once: 0"), "{second}");
}
