#[event_api::event_api("spec/unresolved.yaml")]
pub mod user_service {}

fn main() {}
