//! What the publisher and the consumer share: the contract, and how a process learns that it shall stop.
//!
//! Here both are binaries of one package. In two repositories, each would have the document and the attribute of its
//! own: the document is all that they need to agree on.

/// The user service's events, generated from its AsyncAPI document.
#[event_api::event_api("spec/asyncapi.yaml")]
pub mod user_service {}

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
