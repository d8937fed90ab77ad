//! An event's whole way in one process: from an AsyncAPI document through generated types into an embedded log, from
//! there over HTTP to a consumer that follows the feed and to one that receives signed webhooks.
//!
//! `cargo run --example quickstart` works in a temporary directory. With `-- --data DIR` the databases stay, and the
//! next run goes on where this one stopped. `examples/user-service` has the same as two services.

#![allow(clippy::print_stdout, reason = "it shows what happens")]

mod client;
mod journal;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::Router;
use clap::Parser;
use event_api::chrono::Utc;
use event_api::consume::{SqliteCheckpoints, SqliteInbox};
use event_api::feed;
use event_api::log::{Log, SqliteLog};
use event_api::webhook::{self, Dispatcher, Guard, RetrySchedule, Secret, SqliteSubscriptions};
use event_api::{Channel, Json, PublishError, Publisher, Receipt, Transport};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::journal::Journal;
use crate::user_service::{DeletionReason, NameChanged, UserDeleted, UserEvents, UserEventsPublisher, UserName};

/// The events of the user service, generated from its document.
#[event_api::event_api("../user-service/spec/asyncapi.yaml")]
pub mod user_service {}

const CHANNEL: &Channel = UserEvents::CHANNEL;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A page of a feed, its items as they came over the wire.
#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
}

/// Publishes events, and consumes them from a feed and by webhooks
#[derive(Parser)]
struct Args {
    /// Keep the databases in DIR, and go on where the last run over it stopped
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result {
    let started = Instant::now();
    match Args::parse().data {
        Some(data) => {
            std::fs::create_dir_all(&data)?;
            run(&data).await?;
            println!("\nRun it again with the same directory: it goes on with the event that is left.");
        }
        None => {
            let data = tempfile::tempdir()?;
            run(data.path()).await?;
            println!(
                "\nThe directory was a temporary one. Runs with `-- --data DIR` go on where the last one stopped."
            );
        }
    }
    println!("{} ms", started.elapsed().as_millis());
    Ok(())
}

async fn run(data: &Path) -> Result {
    println!("1. The document: user-service/spec/asyncapi.yaml, version {}", CHANNEL.version);
    println!("   channel {}: {}", CHANNEL.name, CHANNEL.event_types.join(", "));

    println!("\n2. The data: {}", data.display());
    let log = SqliteLog::open(data.join("publisher.db")).await?;
    let journal = Journal::open(data.join("consumer.db")).await?;
    let before = journal.counts().await?;
    println!("   in the log: {} events", log.bounds(CHANNEL.name).await?.next);
    println!("   handled: {} from the feed, {} from webhooks", before.feed, before.webhook);

    // The publishing service: feeds to pull, webhooks to subscribe to, and nothing behind it but the database.
    let subscriptions = SqliteSubscriptions::with_pool(log.pool().clone()).await?;
    let guard = Guard::public_only().allow("127.0.0.1")?.allow_http();
    let resource = webhook::Settings::new(&log, [CHANNEL]).guard(guard.clone());
    let publisher = bind(&data.join("publisher.address")).await?;
    let publisher_url = format!("http://{}", publisher.local_addr()?);
    let app = Router::new()
        .nest("/feeds", feed::router(&log, [CHANNEL]))
        .nest("/webhooks", webhook::router(&subscriptions, resource));
    tokio::spawn(async { axum::serve(publisher, app).await });
    let feed_url = format!("{publisher_url}/feeds/{}", CHANNEL.name);

    println!("\n3. Events are published by the generated publisher, and are durable when it returns");
    let users = UserEvents::publisher(&log);
    publish(&users).await?;

    println!("\n4. On the wire: {feed_url}");
    let client = Client::new();
    let page: Page = client.get(&format!("{feed_url}?limit=1")).await?.ok()?.json()?;
    page.items.iter().for_each(|item| println!("   {item}"));

    println!("\n5. A consumer follows the feed from its checkpoint on, to the generated handler trait");
    feed::Consumer::new(&feed_url, SqliteCheckpoints::with_pool(journal.pool().clone()).await?)
        .name("quickstart")
        .run_until_caught_up(UserEvents::handler(journal.recorder(Transport::Feed)))
        .await?;

    println!("\n6. A consumer subscribes to webhooks");
    let receiver = bind(&data.join("consumer.address")).await?;
    let callback_url = format!("http://{}/hooks", receiver.local_addr()?);
    let secret = subscribe(&client, &publisher_url, &callback_url, &data.join("webhook.secret")).await?;

    println!("\n7. The dispatcher posts signed events, the receiver verifies them: again the generated handler trait");
    let inbox = SqliteInbox::with_pool(journal.pool().clone()).await?;
    let handler = UserEvents::handler(journal.recorder(Transport::Webhook));
    let app = Router::new().route("/hooks", webhook::receiver(secret, inbox, handler));
    tokio::spawn(async { axum::serve(receiver, app).await });
    let (stop, stopped) = oneshot::channel::<()>();
    // By default, a delivery that fails is tried again after five seconds, five minutes, … for three days.
    let retries = RetrySchedule::new([Duration::from_secs(1); 60]);
    let dispatcher = Dispatcher::new(&log, &subscriptions).guard(guard).retries(retries);
    let dispatching = tokio::spawn(dispatcher.shutdown(async { _ = stopped.await }).run());
    journal.wait_for(Transport::Webhook, log.bounds(CHANNEL.name).await?.next.0).await?;
    let forged = client.forge_webhook(&callback_url).await?;
    println!("   a forged one is answered {}: {}", forged.status, forged.json::<Json>()?["detail"]);

    println!("\n8. The consumers stop, and one more event is published: the next run will find it");
    drop(stop);
    dispatching.await?;
    users.subject("/users/2").name_changed(name_changed("Jane Foo", "Jane Bar")?).await?;

    println!("\n9. What was published, and what was handled");
    let published = log.bounds(CHANNEL.name).await?.next.0;
    let after = journal.counts().await?;
    println!("   in the log: {published} events, the last of them for the next run");
    for (name, before, after) in [("feed", before.feed, after.feed), ("webhooks", before.webhook, after.webhook)] {
        println!("   {name}: handled {before} before and {} now, {after} together", after - before);
    }
    println!("   handled more than once: {}", after.repeated);
    if after.repeated > 0 {
        println!(
            "   (a run was killed after it handled an event and before it remembered that: this is at least once)"
        );
    }
    if (after.feed, after.webhook) == (published - 1, published - 1) { Ok(()) } else { Err("events were lost".into()) }
}

/// What business code does: events of its own types, to a publisher that knows which channel they belong to.
async fn publish(users: &Publisher<UserEvents>) -> Result {
    let john = users.subject("/users/1");
    for (old_name, new_name) in [("John Foo", "John Bar"), ("John Bar", "John Baz")] {
        report(john.name_changed(name_changed(old_name, new_name)?).await)?;
    }
    let deleted = UserDeleted { deleted_at: Utc::now().fixed_offset(), reason: Some(DeletionReason::Requested) };
    report(john.user_deleted(deleted).await)
}

/// The document says how long a name may be, so a name is made by a constructor that checks.
fn name_changed(old_name: &str, new_name: &str) -> Result<NameChanged> {
    Ok(NameChanged { old_name: UserName::new(old_name)?, new_name: UserName::new(new_name)? })
}

fn report(published: std::result::Result<Receipt, PublishError>) -> Result {
    let receipt = published?;
    let position = receipt.position.map(|position| position.to_string()).unwrap_or_default();
    println!("   {} at position {position}", receipt.id);
    Ok(())
}

/// Subscribes to all events from the beginning, once: the secret is shown only then, and kept in `file`.
async fn subscribe(client: &Client, publisher_url: &str, callback_url: &str, file: &Path) -> Result<Secret> {
    if let Ok(secret) = std::fs::read_to_string(file) {
        println!("   it did so in an earlier run");
        return Ok(secret.parse()?);
    }
    let url = format!("{publisher_url}/webhooks/subscriptions");
    let subscription = json!({ "callback_url": callback_url, "from": "beginning" });
    println!("   POST {url} {subscription}");
    let created: Json = client.post_json(&url, &subscription).await?.ok()?.json()?;
    println!("   subscription {}", created["id"]);
    let secret = created["secret"].as_str().ok_or("the subscription has no secret")?;
    write(file, secret)?;
    Ok(secret.parse()?)
}

/// Listens on a free port of this machine, the same one in every run over the data: checkpoints and subscriptions know
/// services by their addresses.
async fn bind(file: &Path) -> Result<TcpListener> {
    if let Ok(address) = std::fs::read_to_string(file) {
        let taken = |error| format!("{address}, as {} says, cannot be listened on: {error}", file.display());
        return Ok(TcpListener::bind(&address).await.map_err(taken)?);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    write(file, &listener.local_addr()?.to_string())?;
    Ok(listener)
}

/// Writes a file whole or not at all, whenever the process is killed.
fn write(file: &Path, text: &str) -> Result {
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, text)?;
    Ok(std::fs::rename(unfinished, file)?)
}
