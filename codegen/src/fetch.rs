//! Texts from allowed hosts: a URL comes in, the text or a reason goes out.
//!
//! `curl` does it. References to other hosts are rare and asked for one by one, and an HTTP client with TLS would be
//! compiled into every build script and procedural macro for them.

use std::io;
use std::process::{Command, Stdio};

/// As large as a file on disk may be.
const MAX_BYTES: &str = "67108864";

/// Gets the text behind `url`.
pub(crate) fn curl(url: &str) -> Result<String, String> {
    let output = Command::new("curl")
        // No configuration of the user may change what happens. Redirects are not followed: they could lead to hosts
        // that nobody allowed.
        .args([
            "--disable",
            "--globoff",
            "--fail",
            "--silent",
            "--show-error",
            "--proto",
            "=http,https",
            "--max-redirs",
            "0",
        ])
        .args([
            "--connect-timeout",
            "10",
            "--max-time",
            "30",
            "--max-filesize",
            MAX_BYTES,
            "--write-out",
            "%{stderr}%{http_code}",
        ])
        .args(["--", url])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "`curl`, which fetches references to other hosts, is not installed".to_owned(),
            _ => format!("`curl`, which fetches references to other hosts, cannot be run: {error}"),
        })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let (words, status) = said.split_at_checked(said.len().saturating_sub(3)).unwrap_or((said, ""));
    if !output.status.success() {
        return Err(words.trim().to_owned());
    }
    if status != "200" {
        return Err(format!("the host answers with status {status}"));
    }
    String::from_utf8(output.stdout).map_err(|_| "the answer is not UTF-8 text".to_owned())
}
