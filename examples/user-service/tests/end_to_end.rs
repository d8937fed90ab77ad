//! Both services as processes of their own: whatever is killed when, the consumer ends up knowing what the publisher
//! knows.
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod support;

use std::net::SocketAddr;
use std::path::Path;

use event_api::log::SqliteLog;
use serde_json::{Value, json};
use shared::user_service::v1;
use support::{Service, eventually};

fn consumer(folder: &Path, port: u16, publisher: &Service, secret: Option<&str>) -> Service {
    Service::start(env!("CARGO_BIN_EXE_consumer"), |command| {
        command
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg(format!("--feed={}/feeds/user-events", publisher.url()))
            .arg("--database")
            .arg(folder.join("consumer.db"))
            .env_remove("WEBHOOK_SECRET");
        if let Some(secret) = secret {
            command.env("WEBHOOK_SECRET", secret);
        }
    })
}

fn publisher(folder: &Path) -> Service {
    publisher_at(folder, SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn publisher_at(folder: &Path, address: SocketAddr) -> Service {
    Service::start(env!("CARGO_BIN_EXE_publisher"), |command| {
        command.arg(format!("--listen={address}")).arg("--database").arg(folder.join("users.db"));
    })
}

fn name(publisher: &Service, user: usize, name: &str) -> u16 {
    publisher.request("PUT", &format!("/users/{user}/name"), Some(&json!({ "name": name }))).0
}

/// Subscribes the consumer's webhook, and returns the path of the subscription and the secret.
fn subscribe(publisher: &Service, port: u16) -> (String, String) {
    subscribe_from(publisher, port, "now")
}

fn subscribe_from(publisher: &Service, port: u16, from: &str) -> (String, String) {
    let callback = format!("http://127.0.0.1:{port}/hooks");
    let (status, subscription) =
        publisher.request("POST", "/webhooks/subscriptions", Some(&json!({ "callback_url": callback, "from": from })));
    assert_eq!(status, 201, "{subscription}");
    let text = |member: &str| subscription[member].as_str().unwrap().to_owned();
    (format!("/webhooks/subscriptions/{}", text("id")), text("secret"))
}

fn contacts(consumer: &Service) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (_, contacts) = consumer.request("GET", "/contacts", None);
    contacts.as_array().unwrap().iter().map(|contact| (text(&contact["user"]), text(&contact["name"]))).collect()
}

fn mails(consumer: &Service) -> Vec<String> {
    let (_, mails) = consumer.request("GET", "/mails", None);
    mails.as_array().unwrap().iter().map(|mail| mail["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_change_reaches_the_consumer_by_feed_and_by_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(folder.path());
    let port = support::free_port();
    let (_, secret) = subscribe(&publisher, port);
    let consumer = consumer(folder.path(), port, &publisher, Some(&secret));

    assert_eq!(name(&publisher, 1, "John Foo"), 201);
    assert_eq!(name(&publisher, 1, "John Bar"), 204);
    eventually("the address book knows the name", || {
        (contacts(&consumer) == [("/users/1".to_owned(), "John Bar".to_owned())]).then_some(())
    });
    assert_eq!(publisher.request("DELETE", "/users/1?reason=requested", None).0, 204);
    eventually("the address book forgets the user", || contacts(&consumer).is_empty().then_some(()));
    let written = eventually("both mails are written", || Some(mails(&consumer)).filter(|mails| mails.len() == 2));
    assert_eq!(
        written,
        ["Dear John Foo, from now on we call you John Bar.", "As you wished, we have forgotten you. Farewell."]
    );

    #[cfg(unix)]
    for mut service in [consumer, publisher] {
        assert!(service.interrupt().success(), "an interrupted service stops in good order");
    }
}

#[test]
fn what_cannot_be_published_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(folder.path());
    assert_eq!(name(&publisher, 1, "John Foo"), 201);
    assert_eq!(name(&publisher, 1, &"x".repeat(101)), 422, "the document allows 100 characters");
    assert_eq!(publisher.request("DELETE", "/users/1?reason=boredom", None).0, 400);
    assert_eq!(publisher.request("DELETE", "/users/2", None).0, 404);
    assert_eq!(name(&publisher, 1, "John Foo"), 204, "the same name is no change");
    assert_eq!(publisher.request("GET", "/users/1", None).1, json!({ "id": 1, "name": "John Foo" }));
    let (_, feed) = publisher.request("GET", "/feeds/user-events", None);
    assert_eq!(feed["items"], json!([]));
}

/// What the service published when its contract was at version 1.
#[tokio::main(flavor = "current_thread")]
async fn events_of_version_1(database: &Path) {
    let log = SqliteLog::open(database).await.unwrap();
    let users = v1::UserEvents::publisher(&log).subject("/users/1");
    let (old_name, new_name) = ("one".parse().unwrap(), "two".parse().unwrap());
    users.publish(v1::NameChanged { old_name, new_name }).await.unwrap();
    let deleted_at = "2020-05-01T14:00:00-07:00".parse().unwrap();
    users.publish(v1::UserDeleted { deleted_at, requested: Some(true) }).await.unwrap();
}

#[test]
fn events_of_an_earlier_version_reach_the_handlers_of_the_present_one_by_feed_and_by_webhook() {
    let folder = tempfile::tempdir().unwrap();
    events_of_version_1(&folder.path().join("users.db"));
    let publisher = publisher(folder.path());
    let port = support::free_port();
    let (_, secret) = subscribe_from(&publisher, port, "beginning");
    let consumer = consumer(folder.path(), port, &publisher, Some(&secret));
    assert_eq!(name(&publisher, 2, "three"), 201);
    assert_eq!(name(&publisher, 2, "four"), 204);

    let written = eventually("all mails are written", || Some(mails(&consumer)).filter(|mails| mails.len() == 3));
    assert_eq!(written[1], "As you wished, we have forgotten you. Farewell.", "`requested` has become a reason");
    let expected = [("/users/2".to_owned(), "four".to_owned())];
    eventually("the address book is up to date", || (contacts(&consumer) == expected).then_some(()));
    let (_, feed) = publisher.request("GET", "/feeds/user-events", None);
    let versions: Vec<&Value> = feed["items"].as_array().unwrap().iter().map(|item| &item["_version"]).collect();
    assert_eq!(versions, ["1.2.0", "1.2.0", "2.0.0"]);
}

#[test]
fn an_address_book_that_is_killed_again_and_again_misses_nothing() {
    const ROUNDS: usize = 4;
    const USERS: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(folder.path());
    for user in 0..USERS {
        assert_eq!(name(&publisher, user, "new"), 201);
    }
    for round in 0..ROUNDS {
        let consumer = consumer(folder.path(), 0, &publisher, None);
        for user in 0..USERS {
            assert_eq!(name(&publisher, user, &format!("name {round}")), 204);
        }
        // In the middle: something of this round has come, and most likely not all.
        let this_round = format!("name {round}");
        eventually("something has come", || {
            contacts(&consumer).iter().any(|(_, name)| *name == this_round).then_some(())
        });
        consumer.kill();
    }
    // While nobody consumes.
    for user in 1..USERS {
        assert_eq!(publisher.request("DELETE", &format!("/users/{user}"), None).0, 204);
    }
    let consumer = consumer(folder.path(), 0, &publisher, None);
    let last = [("/users/0".to_owned(), format!("name {}", ROUNDS - 1))];
    eventually("the address book is up to date", || (contacts(&consumer) == last).then_some(()));
}

#[test]
fn a_mailer_that_was_killed_gets_what_was_published_meanwhile_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = publisher(folder.path());
    let port = support::free_port();
    let (subscription, secret) = subscribe(&publisher, port);
    let first = consumer(folder.path(), port, &publisher, Some(&secret));
    name(&publisher, 1, "one");
    name(&publisher, 1, "two");
    // Not only written: acknowledged, too. A receiver that is killed in between is asked again when its claim on the
    // event has run out, which is minutes later.
    eventually("the first mail is acknowledged", || {
        let (_, shown) = publisher.request("GET", &subscription, None);
        (shown["progress"][0]["position"] == 1).then_some(())
    });
    first.kill();

    name(&publisher, 1, "three");
    // The publisher, too: its cursors are in its database.
    let address = publisher.address();
    publisher.kill();
    publisher = publisher_at(folder.path(), address);
    name(&publisher, 1, "four");
    let second = consumer(folder.path(), port, &publisher, Some(&secret));
    let written = eventually("all mails are written", || Some(mails(&second)).filter(|mails| mails.len() == 3));
    assert_eq!(
        written,
        [("one", "two"), ("two", "three"), ("three", "four")]
            .map(|(old, new)| format!("Dear {old}, from now on we call you {new}."))
    );
}
