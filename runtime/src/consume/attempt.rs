//! One attempt to handle one event: whatever the handler does (fail, panic, hang), the consumer learns it and lives.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::handler::{Context, Disposition, Handler, HandlerError};

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    disposition: Disposition,
    error: String,
    after: Option<Duration>,
    /// Whether it was the consumer's own store that failed.
    of_store: bool,
}

impl Failure {
    pub(crate) fn retry(error: String) -> Self {
        Failure { disposition: Disposition::Retry, error, after: None, of_store: false }
    }

    /// The same failure, because of the consumer's own store: it says nothing about the event.
    pub(crate) fn of_store(self) -> Self {
        Failure { of_store: true, ..self }
    }

    /// Whether the event is given up after enough of them.
    pub(crate) fn counts(&self) -> bool {
        !self.of_store || self.disposition == Disposition::Reject
    }

    /// When to try again, where the handler knows.
    pub(crate) fn after(&self) -> Option<Duration> {
        self.after
    }

    pub(crate) fn disposition(&self) -> Disposition {
        self.disposition
    }

    pub(crate) fn error(&self) -> &str {
        &self.error
    }

    pub(crate) fn into_error(self) -> String {
        self.error
    }
}

impl From<HandlerError> for Failure {
    fn from(error: HandlerError) -> Self {
        Failure {
            disposition: error.disposition(),
            error: chain(error.source()),
            after: error.after(),
            of_store: false,
        }
    }
}

/// Calls the handler once. A panic and an exceeded `timeout` are failures that ask for a retry.
pub(crate) async fn run<H: Handler>(
    handler: &H,
    event: H::Events,
    context: &Context,
    timeout: Option<Duration>,
) -> Result<(), Failure> {
    // The async block takes in what a handler does before it returns its future. A handler that panicked is called
    // again only through `&self`, as any of its concurrent callers would have.
    let handling = AssertUnwindSafe(async { handler.handle(event, context).await }).catch_unwind();
    let outcome = match timeout {
        None => handling.await,
        Some(limit) => match tokio::time::timeout(limit, handling).await {
            Ok(outcome) => outcome,
            Err(_) => return Err(Failure::retry(format!("the handler did not finish within {limit:?}"))),
        },
    };
    match outcome {
        Ok(result) => result.map_err(Failure::from),
        Err(panic) => Err(Failure::retry(format!("the handler panicked: {}", panic_message(panic.as_ref())))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// An error with all that led to it, on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        // Transparent errors repeat their source's message.
        if !text.ends_with(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        source = error.source();
    }
    text
}
