#[event_api::event_api("spec/asyncapi.yaml", compat = "full")]
pub mod user_service {}

fn main() {}
