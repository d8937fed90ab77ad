#![deny(warnings, missing_docs, clippy::pedantic)]
//! Items of the module are kept, and see the generated ones beside them.

/// The module.
#[event_api::event_api(
    "spec/asyncapi.yaml",
    unknown_events = "refuse",
    exact = false,
    derive = { "*" = Eq },
    attr = { "NameChanged" = [must_use, cfg(all())] },
)]
pub mod user_service {
    /// What a user is called now.
    #[must_use]
    pub fn renamed(name: &str) -> NameChanged {
        NameChanged { new_name: name.to_owned() }
    }
}

fn main() {
    assert_eq!(user_service::renamed("Ada").new_name, "Ada");
}
