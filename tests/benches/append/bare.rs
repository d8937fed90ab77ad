//! Producers and the queue of a bare loop: each producer makes a row, and waits until it is committed.

use std::time::{Duration, Instant};

use event_api::RawEvent;
use tokio::sync::{mpsc, oneshot};

use super::{EVENTS, Failure, PUBLISHERS, raw};

/// A row, and who waits for its commit.
pub(super) struct Request {
    pub(super) event: RawEvent,
    pub(super) done: oneshot::Sender<()>,
}

/// The way to the loop.
pub(super) type Queue = mpsc::Sender<Request>;

/// The loop takes at most so many rows at once, as the log does.
pub(super) const GROUP: usize = 512;

pub(super) fn queue() -> (Queue, mpsc::Receiver<Request>) {
    mpsc::channel(1024)
}

/// A round of producers.
pub(super) async fn produce(queue: &Queue) -> Result<Duration, Failure> {
    let start = Instant::now();
    let produce = |queue: Queue| async move {
        for number in 0..EVENTS {
            let (done, committed) = oneshot::channel();
            queue.send(Request { event: raw(number)?, done }).await.map_err(|_| "the loop has ended")?;
            committed.await?;
        }
        Ok::<_, Failure>(())
    };
    let producers: Vec<_> = (0..PUBLISHERS).map(|_| tokio::spawn(produce(queue.clone()))).collect();
    for producer in producers {
        producer.await??;
    }
    Ok(start.elapsed())
}
