#[event_api::event_api()]
pub mod user_service {}

fn main() {}
