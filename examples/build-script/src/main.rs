//! The user service's events through a build script instead of the attribute: the generated code is a file that can be
//! read, and the attribute's dependencies are not compiled into the crate.

#![allow(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use event_api::Position;
use event_api::log::{Log, MemoryLog};
use user_service::{NameChanged, UserEvents, UserEventsPublisher, UserName};

/// The events of the user service. `build.rs` generates them.
pub mod user_service {
    event_api::include_api!("user_service");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let log = MemoryLog::new();
    let users = UserEvents::publisher(&log);
    let event = NameChanged { old_name: UserName::new("John Foo")?, new_name: UserName::new("John Bar")? };
    users.subject("/users/1").name_changed(event).await?;

    for stored in log.read(UserEvents::CHANNEL.name, Position(0), 10).await? {
        println!("position {}: {} {}", stored.position, stored.event.metadata.event_type, stored.event.data);
        match stored.event.decode::<UserEvents>()? {
            UserEvents::NameChanged(event) => println!("{} is {} now", event.old_name, event.new_name),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
