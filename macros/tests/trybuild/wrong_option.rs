#[event_api::event_api("spec/asyncapi.yaml", unknown_event = "refuse")]
pub mod user_service {}

fn main() {}
