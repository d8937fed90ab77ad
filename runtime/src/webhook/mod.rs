//! Webhooks: events are pushed to the URLs that subscribed to them, signed by Standard Webhooks 1.0.

#[cfg(feature = "client")]
mod dispatch;
mod guard;
mod sign;
mod subscription;
mod wire;

#[cfg(feature = "client")]
pub use dispatch::{Dispatcher, RetrySchedule};
pub use guard::{Guard, GuardError, Resolve};
pub use sign::{DEFAULT_TOLERANCE, Secret, SecretError, Secrets};
#[cfg(feature = "sqlite")]
pub use subscription::SqliteSubscriptions;
pub use subscription::{
    Cursor, DeadLetter, Failure, MemorySubscriptions, Start, Status, Subscription, SubscriptionId, Subscriptions,
};
