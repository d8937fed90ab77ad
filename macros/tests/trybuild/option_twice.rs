#[event_api::event_api("spec/asyncapi.yaml", side = "both", side = "consumer")]
pub mod user_service {}

fn main() {}
