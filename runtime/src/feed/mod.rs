//! The feed: a channel's events as pages over plain HTTP, oldest first.

mod item;
mod page;

pub use page::{Page, PageError, PageItem, Undecodable};
