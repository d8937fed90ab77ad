//! What the publisher and the consumer share: the contract in its versions, and how a process logs and stops.
//!
//! Here both are binaries of one package. In two repositories, each would have the document and the attribute of its
//! own: the document is all that they need to agree on.

use std::io::IsTerminal as _;

use event_api::{Upcast, UpcastError};

/// The user service's events, generated from its AsyncAPI document. The log still holds events of the first version, so
/// that stands beside the present one; handlers and publishers are those of the present one.
#[event_api::event_api(versions = ["spec/v1.yaml", "spec/asyncapi.yaml"])]
pub mod user_service {}

use user_service::{DeletionReason, UserDeleted, v1};

/// The one type that is not what it was. The compiler asks for this; without it, nothing compiles.
impl Upcast<v1::UserDeleted> for UserDeleted {
    fn upcast(old: v1::UserDeleted) -> Result<Self, UpcastError> {
        let reason = old.requested.unwrap_or_default().then_some(DeletionReason::Requested);
        Ok(UserDeleted { deleted_at: old.deleted_at, reason })
    }
}

/// Writes what happens to standard error, in colour on a terminal.
pub fn log_to_stderr() {
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colour).init();
}

/// Completes when the process is asked to stop: by ctrl-c, or by SIGTERM from whatever runs it.
pub async fn stop() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => _ = terminate.recv().await,
            // Ctrl-c remains.
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// The example of the README compiles: its document is the one of this package.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
