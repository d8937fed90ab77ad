#[event_api::event_api("spec/asyncapi.yaml", colour = "red")]
pub mod user_service {}

fn main() {}
