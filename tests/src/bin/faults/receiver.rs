//! The receiving process: webhooks whose effects are written in the transaction in which the inbox completes the event.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use event_api::consume::{Claim, DeadLetters, Inbox, PostgresInbox, SqliteInbox, StoreError, Ticket, Transactions};
use event_api::webhook::{self, Secret, SecretError};
use event_api::{Context, Handler, HandlerResult};

use super::accounts::AccountsEvents;
use super::setup::{Database, Failure, Sabotage, Setup, listen, until_asked_to_end};

/// The way of effects that come by webhooks.
pub(crate) const WEBHOOK: &str = "webhook";

/// What deliveries are signed with.
pub(crate) fn secret() -> Result<Secret, SecretError> {
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()
}

/// Receives until it is asked to end.
pub(crate) async fn run(setup: &Setup) -> Result<(), Failure> {
    let database = setup.database("receiver").await?;
    let inbox: Arc<dyn Inbox> = match &database {
        Database::Sqlite(pool) => Arc::new(SqliteInbox::with_pool(pool.clone()).await?),
        Database::Postgres(pool) => Arc::new(PostgresInbox::with_pool(pool.clone()).await?),
    };
    let handler = Effects { database, sabotage: setup.sabotage };
    let app = Router::new().route("/hooks", webhook::receiver(secret()?, Brief(inbox), handler));
    let listener = listen(setup.ports.hooks).await?;
    tokio::select! {
        served = async { axum::serve(listener, app).await } => served?,
        () = until_asked_to_end() => {}
    }
    Ok(())
}

struct Effects {
    database: Database,
    sabotage: Sabotage,
}

impl Handler for Effects {
    type Events = AccountsEvents;

    async fn handle(&self, _: AccountsEvents, cx: &Context) -> HandlerResult {
        if self.sabotage == Sabotage::EffectsBesideTheTransaction {
            return Ok(self.database.affect_beside(WEBHOOK, cx.id.as_str()).await?);
        }
        self.database.affect(WEBHOOK, cx).await
    }
}

/// An inbox whose claims are short, so that what a killed process has claimed is soon delivered again. A claim that is
/// lost while its event is handled is part of the test.
struct Brief(Arc<dyn Inbox>);

const LEASE: Duration = Duration::from_millis(150);

#[async_trait]
impl Inbox for Brief {
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
        self.0.claim(consumer, id, lease.min(LEASE)).await
    }

    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.0.complete(ticket).await
    }

    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.0.release(ticket).await
    }

    async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError> {
        self.0.renew(ticket, lease.min(LEASE)).await
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        self.0.dead_letters()
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        self.0.transactions()
    }
}
