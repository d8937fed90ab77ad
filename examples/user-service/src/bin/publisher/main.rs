//! The publisher: a REST service that owns the users. It changes a user and publishes the event in one transaction,
//! serves the events as a feed, and posts them to webhooks.

mod api;
mod users;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use clap::Parser;
use event_api::feed::Feeds;
use event_api::log::SqliteLog;
use event_api::webhook::{self, Dispatcher, Guard, SqliteSubscriptions};
use shared::stop;
use shared::user_service::UserEvents;
use tokio::net::TcpListener;

use crate::users::Users;

/// The user service
/// The contract, for those who find the feed.
const DOCUMENT: &str = include_str!("../../../spec/asyncapi.yaml");

#[derive(Parser)]
struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The database file: users, events and webhook subscriptions
    #[arg(long, default_value = "users.db")]
    database: PathBuf,

    /// Networks, addresses or hosts to which webhooks may be posted, besides public ones; over http, too
    #[arg(long, value_name = "NETWORK", default_value = "127.0.0.0/8")]
    allow_callbacks: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shared::log_to_stderr();
    let args = Args::parse();

    let log = SqliteLog::open(&args.database).await?;
    let subscriptions = SqliteSubscriptions::with_pool(log.pool().clone()).await?;
    let users = Users::new(&log).await?;

    let channels = [UserEvents::CHANNEL];
    let guard = args.allow_callbacks.iter().try_fold(Guard::public_only(), |guard, to| guard.allow(to))?.allow_http();
    let resource = webhook::Settings::new(&log, channels).guard(guard.clone());
    let app = Router::new()
        .merge(api::router(users))
        .nest("/feeds", Feeds::new(&log, channels).document(DOCUMENT).shutdown(stop()).router())
        .nest("/webhooks", webhook::router(&subscriptions, resource));
    let dispatcher = Dispatcher::new(&log, &subscriptions).channels(channels).guard(guard).shutdown(stop());

    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let dispatching = tokio::spawn(dispatcher.run());
    axum::serve(listener, app).with_graceful_shutdown(stop()).await?;
    dispatching.await?;
    tracing::info!("stopped");
    Ok(())
}
