//! The feed: consumers pull a channel's events page by page, over plain HTTP and in JSON Feed 1.1.

#[cfg(feature = "server")]
mod server;
pub mod wire;

#[cfg(feature = "server")]
pub use server::{Feeds, router};
