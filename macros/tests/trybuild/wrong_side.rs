#[event_api::event_api("spec/asyncapi.yaml", side = "publsher")]
pub mod user_service {}

fn main() {}
