//! Webhooks: events are pushed to the URLs that subscribed to them, signed by Standard Webhooks 1.0.
//!
//! On the publishing side, [`router`] is the resource by which consumers subscribe, a [`Subscriptions`] store keeps
//! what they asked for and how far they have come, and the [`Dispatcher`] sends them the events of the log. The
//! [`Guard`] decides where requests may go. On the consuming side, [`receiver`] verifies and deduplicates deliveries
//! and gives them to a handler.

#[cfg(feature = "server")]
mod body;
#[cfg(feature = "client")]
mod dispatch;
mod guard;
#[cfg(feature = "server")]
mod receive;
#[cfg(feature = "server")]
mod server;
mod sign;
mod subscription;
mod wire;

#[cfg(feature = "client")]
pub use dispatch::{Dispatcher, RetrySchedule};
pub use guard::{Guard, GuardError, Resolve};
#[cfg(feature = "server")]
pub use receive::{Receiver, receiver};
#[cfg(feature = "server")]
pub use server::{Settings, router};
pub use sign::{DEFAULT_TOLERANCE, Secret, SecretError, Secrets, SignatureError, Signed};
#[cfg(feature = "sqlite")]
pub use subscription::SqliteSubscriptions;
pub use subscription::{
    Cursor, DeadLetter, Failure, MemorySubscriptions, Start, Status, Subscription, SubscriptionId, Subscriptions,
};
