//! Webhooks: events are pushed to the URLs that subscribed to them, signed by Standard Webhooks 1.0.

mod guard;
mod sign;

pub use guard::{Guard, GuardError, Resolve};
pub use sign::{DEFAULT_TOLERANCE, Secret, SecretError, Secrets};
