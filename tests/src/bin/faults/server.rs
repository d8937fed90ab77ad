//! The serving process: the feed over HTTP, and the dispatcher that posts every event to the receiver.

use std::time::Duration;

use axum::Router;
use event_api::feed;
use event_api::log::{Log, PostgresLog, SqliteLog};
use event_api::webhook::{
    Dispatcher, Guard, RetrySchedule, Secrets, SqliteSubscriptions, Start, Subscription, Subscriptions as _,
};

use super::accounts::AccountsEvents;
use super::receiver;
use super::setup::{Database, Failure, Setup, listen, until_asked_to_end};

/// The next attempt comes soon, and there are enough for the longest run.
const RETRY_AFTER: Duration = Duration::from_millis(200);
const RETRIES: usize = 10_000;

/// Serves until it is asked to end.
pub(crate) async fn run(setup: &Setup) -> Result<(), Failure> {
    match setup.database("log").await? {
        Database::Sqlite(pool) => serve(setup, SqliteLog::with_pool(pool).await?).await,
        Database::Postgres(pool) => serve(setup, PostgresLog::with_pool(pool).await?).await,
    }
}

async fn serve(setup: &Setup, log: impl Log + Clone + 'static) -> Result<(), Failure> {
    let subscriptions = SqliteSubscriptions::open(setup.folder.join("subscriptions.db")).await?;
    let guard = Guard::public_only().allow("127.0.0.1")?.allow_http();
    let dispatcher = Dispatcher::new(&log, &subscriptions)
        .guard(guard)
        .retries(RetrySchedule::new(vec![RETRY_AFTER; RETRIES]))
        .shutdown(until_asked_to_end());
    let dispatching = tokio::spawn(dispatcher.run());
    let app = Router::new().nest("/feeds", feed::router(&log, [AccountsEvents::CHANNEL]));
    let listener = listen(setup.ports.feed).await?;
    tokio::select! {
        served = async { axum::serve(listener, app).await } => served?,
        () = until_asked_to_end() => {}
    }
    Ok(dispatching.await?)
}

/// Subscribes the receiver to everything, before any process is started.
pub(crate) async fn subscribe(setup: &Setup) -> Result<(), Failure> {
    let subscriptions = SqliteSubscriptions::open(setup.folder.join("subscriptions.db")).await?;
    let mut subscription = Subscription::new(setup.hooks_url(), Secrets::from(receiver::secret()?));
    subscription.start = Start::Beginning;
    Ok(subscriptions.create(&subscription, &[(AccountsEvents::CHANNEL.name, event_api::Position(0))]).await?)
}
