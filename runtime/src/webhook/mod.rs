//! Webhooks: events are pushed to the URLs that subscribed to them, signed by Standard Webhooks 1.0.

mod sign;

pub use sign::{DEFAULT_TOLERANCE, Secret, SecretError, Secrets};
