//! The feed: a channel's events as pages over plain HTTP, oldest first.

#[cfg(feature = "client")]
mod client;
mod item;
mod page;

#[cfg(feature = "client")]
pub use client::{Consumer, Retained};
pub use page::{Page, PageError, PageItem, Undecodable};
