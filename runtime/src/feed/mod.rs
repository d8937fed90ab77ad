//! The feed: consumers pull a channel's events page by page, over plain HTTP and in JSON Feed 1.1.

pub mod wire;
