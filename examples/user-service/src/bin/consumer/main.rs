//! A consumer of the user service, and it has both ways of consuming: an address book follows the feed, and a mailer
//! receives webhooks.

mod address_book;
mod mailer;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use clap::Parser;
use event_api::consume::{SqliteCheckpoints, SqliteInbox};
use event_api::feed;
use event_api::log::SqliteLog;
use event_api::webhook::{self, Secret};
use shared::stop;
use shared::user_service::UserEvents;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::net::TcpListener;

use crate::address_book::AddressBook;
use crate::mailer::Mailer;

/// A service that wants to know what happens to users
#[derive(Parser)]
struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,

    /// The database file
    #[arg(long, default_value = "consumer.db")]
    database: PathBuf,

    /// The feed of the user service
    #[arg(long, default_value = "http://127.0.0.1:8080/feeds/user-events")]
    feed: String,

    /// The secret of the webhook subscription; without it, no webhooks are received
    #[arg(long, env = "WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<Secret>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shared::log_to_stderr();
    let args = Args::parse();

    let pool = SqlitePoolOptions::new().connect_with(SqliteLog::options(&args.database)).await?;
    let address_book = AddressBook::new(&pool).await?;
    let mailer = Mailer::new(&pool).await?;

    let mut app = Router::new().merge(address_book.router()).merge(mailer.router());
    if let Some(secret) = args.webhook_secret {
        let inbox = SqliteInbox::with_pool(pool.clone()).await?;
        app = app.route("/hooks", webhook::receiver(secret, inbox, UserEvents::handler(mailer)));
    }
    let consumer = feed::Consumer::new(args.feed, SqliteCheckpoints::with_pool(pool.clone()).await?)
        .name("address-book")
        .shutdown(stop());

    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let serving = async { Ok(axum::serve(listener, app).with_graceful_shutdown(stop()).await?) };
    let consuming = async { Ok(consumer.run(UserEvents::handler(address_book)).await?) };
    let ((), ()) = tokio::try_join!(serving, consuming).map_err(|error: Box<dyn Error>| error)?;
    tracing::info!("stopped");
    Ok(())
}
