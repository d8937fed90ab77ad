//! The wish to stop: asked between events and during waits, never in the middle of a handler.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

/// A future of the user's after which a consumer stops. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shutdown(Shared<BoxFuture<'static, ()>>);

impl Shutdown {
    pub(crate) fn never() -> Self {
        Self::when(std::future::pending())
    }

    pub(crate) fn when(wish: impl Future<Output = ()> + Send + 'static) -> Self {
        Shutdown(wish.boxed().shared())
    }

    /// Whether it is time to stop.
    pub(crate) fn requested(&self) -> bool {
        self.0.clone().now_or_never().is_some()
    }

    /// Waits for it.
    pub(crate) async fn fulfilled(&self) {
        self.0.clone().await;
    }

    /// This wish, or another one.
    pub(crate) fn or_when(&self, wish: impl Future<Output = ()> + Send + 'static) -> Self {
        let this = self.clone();
        Self::when(async move {
            tokio::select! {
                () = this.fulfilled() => {}
                () = wish => {}
            }
        })
    }

    /// Runs `work`, unless it is or becomes time to stop: then `None`, and `work` is dropped.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.0.clone() => None,
            done = work => Some(done),
        }
    }

    /// Sleeps; `None` when it is time to stop.
    pub(crate) async fn sleep(&self, time: Duration) -> Option<()> {
        self.or(tokio::time::sleep(time)).await
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}
