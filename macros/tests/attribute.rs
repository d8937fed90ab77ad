#![deny(warnings, missing_docs, clippy::pedantic)]
//! What the attribute makes of a document that is right, in a crate that allows no warnings.

/// With every kind of option, and an item of its own.
#[event_api::event_api(
    "tests/trybuild/spec/asyncapi.yaml",
    side = "both",
    unknown_events = "refuse",
    exact = false,
    allow_hosts = ["schemas.example.com"],
    map_remote = { "https://schemas.example.com/" = "vendor" },
    rename = { "NameChanged" = Renamed },
    replace = { "UserId" = "super::UserId" },
    derive = { "*" = Eq, "Renamed" = [PartialOrd, "Ord"] },
    attr = { "Renamed" = [must_use, cfg(all())] },
)]
pub mod user_service {
    /// What a user is called now.
    #[must_use]
    pub fn renamed(user_id: super::UserId, name: &str) -> Renamed {
        Renamed { user_id, new_name: name.to_owned() }
    }
}

/// Compared with its released versions; what breaks is ignored in `event-api.toml`.
#[event_api::event_api(
    "tests/compatible/asyncapi.yaml",
    baseline = "tests/compatible/released",
    compat = "full-transitive"
)]
pub mod compatible {}

/// An id of our own.
pub type UserId = String;

#[test]
fn what_is_compatible_or_ignored_is_generated() {
    assert_eq!(compatible::UserEvents::CHANNEL.event_types, ["NameChanged", "UserDeleted"]);
}

#[test]
fn options_and_items_of_the_module_have_their_effect() {
    let renamed = user_service::renamed("u-1".to_owned(), "Ada");
    assert!(renamed < user_service::renamed("u-1".to_owned(), "Bea"));
    assert_eq!(user_service::UserEvents::CHANNEL.event_types, ["NameChanged"]);
}
