//! The feed: a channel's events as pages of JSON Feed 1.1 over plain HTTP, oldest first. Services serve them, consumers
//! in other services pull them page by page, and follow them from there by long polling, server-sent events or
//! WebSockets.

#[cfg(feature = "client")]
mod client;
mod item;
#[cfg(any(feature = "client", feature = "server"))]
mod names;
mod page;
#[cfg(feature = "server")]
mod server;
mod text;
pub mod wire;

#[cfg(feature = "client")]
pub use client::{Consumer, Live};
#[cfg(any(feature = "client", feature = "server"))]
pub use names::{FieldNames, FieldNamesError};
pub use page::{Page, PageError, PageItem, Undecodable};
#[cfg(feature = "server")]
pub use server::{Feeds, ProxyHeaders, router};
