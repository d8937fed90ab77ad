#[event_api::event_api("spec/syntax.yaml")]
pub mod user_service {}

fn main() {}
