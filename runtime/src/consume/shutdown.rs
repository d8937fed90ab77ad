//! The wish to stop: asked between events and during waits, never in the middle of a handler.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

/// A future of the user's after which a consumer stops. Cheap to clone, and cheap to ask: it is polled only when something
/// has happened to it.
#[derive(Clone)]
pub(crate) struct Shutdown {
    wish: Wish,
    watched: Arc<Mutex<Wish>>,
    alarm: Arc<Alarm>,
}

type Wish = Shared<BoxFuture<'static, ()>>;

/// Whether the wish has to be polled, to learn whether it is fulfilled.
struct Alarm(AtomicBool);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Shutdown {
    pub(crate) fn never() -> Self {
        Self::when(std::future::pending())
    }

    pub(crate) fn when(wish: impl Future<Output = ()> + Send + 'static) -> Self {
        let wish = wish.boxed().shared();
        let watched = Arc::new(Mutex::new(wish.clone()));
        Shutdown { wish, watched, alarm: Arc::new(Alarm(AtomicBool::new(true))) }
    }

    /// Whether it is time to stop.
    pub(crate) fn requested(&self) -> bool {
        if self.wish.peek().is_some() {
            return true;
        }
        if !self.alarm.0.swap(false, Ordering::AcqRel) {
            return false;
        }
        // A wish that panicked is asked again, and panics again.
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one has polled it to its end meanwhile.
        if self.wish.peek().is_some() {
            return true;
        }
        let waker = Waker::from(Arc::clone(&self.alarm));
        Pin::new(&mut *watched).poll(&mut Context::from_waker(&waker)).is_ready()
    }

    /// Waits for it.
    pub(crate) async fn fulfilled(&self) {
        self.wish.clone().await;
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
            () = self.wish.clone() => None,
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

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn it_is_asked_for_by_many_at_the_moment_when_it_comes() {
        for _ in 0..2000 {
            let (send, receive) = oneshot::channel::<()>();
            let outer = Shutdown::when(async { receive.await.unwrap_or_default() });
            let (also, never) = oneshot::channel::<()>();
            let inner = outer.or_when(async { never.await.unwrap_or_default() });
            std::thread::scope(|scope| {
                for shutdown in [&outer, &inner, &inner, &inner] {
                    scope.spawn(move || while !shutdown.requested() {});
                }
                send.send(()).ok();
            });
            assert!(inner.requested() && outer.requested());
            drop(also);
        }
    }
}
