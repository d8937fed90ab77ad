//! What is completed beyond checkpoints, in an SQL database, and who may move them.
//!
//! Whoever writes here locks the row that says who holds the checkpoint, and reads it in the same statement: a holder
//! that was replaced while it was away finds that it is none, and a new holder waits for what the old one is about to
//! commit, and then sees it.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::checkpoints::{SqlCheckpoints, now, place};
use super::{Dialect, Value, begin, execute, list, query, row, text};
use crate::consume::checkpoint::Checkpoint;
use crate::consume::completions::{Completion, Completions, Opened};
use crate::consume::error::StoreError;
use crate::consume::transaction::Moved;

#[async_trait]
impl<DB: Dialect> Completions for SqlCheckpoints<DB> {
    async fn take_over(&self, consumer: &str, holder: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO event_api_claims (consumer, holder) VALUES ($1, $2)
                   ON CONFLICT (consumer) DO UPDATE SET holder = excluded.holder";
        let taken = execute(&self.pool, sql, vec![text::<DB>(consumer), text::<DB>(holder)]).await;
        taken.map_err(|error| StoreError::new(format!("taking over the checkpoint of {consumer:?}"), error))?;
        Ok(())
    }

    async fn open(&self, consumer: &str) -> Result<Opened, StoreError> {
        let doing = || format!("loading the checkpoint of consumer {consumer:?} and what is completed beyond it");
        let failed = |error: sqlx::Error| StoreError::new(doing(), error);
        let mut transaction = begin(&self.pool).await?;
        let who = || vec![text::<DB>(consumer)];
        let made = DB::execute(
            &mut transaction,
            SqlStr::from_static(
                "INSERT INTO event_api_checkpoints (consumer, resume, updated) VALUES ($1, '', $2)
                 ON CONFLICT (consumer) DO NOTHING",
            ),
            vec![text::<DB>(consumer), now::<DB>()],
        );
        if made.await.map_err(failed)? == 1 {
            // The checkpoint is new, or somebody removed it to begin anew.
            let sql = SqlStr::from_static("DELETE FROM event_api_completed WHERE consumer = $1");
            DB::execute(&mut transaction, sql, who()).await.map_err(failed)?;
        }
        let sql = "SELECT resume, position, event_id FROM event_api_checkpoints WHERE consumer = $1";
        let places = DB::query(&mut transaction, SqlStr::from_static(sql), who()).await.map_err(failed)?;
        let sql = SqlStr::from_static("SELECT event FROM event_api_completed WHERE consumer = $1");
        let completed = DB::query(&mut transaction, sql, who()).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        let checkpoint = places.first().map(row::checkpoint::<DB>).transpose();
        let checkpoint = checkpoint.map_err(|error| StoreError::new(doing(), error))?.flatten();
        let texts = completed.iter().map(|row| DB::text_of(row, "event"));
        let completed = texts.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Opened { checkpoint, completed })
    }

    async fn holds(&self, consumer: &str, holder: &str) -> Result<bool, StoreError> {
        let sql = "SELECT consumer FROM event_api_claims WHERE consumer = $1 AND holder = $2";
        let held = query(&self.pool, sql, vec![text::<DB>(consumer), text::<DB>(holder)]).await;
        let held = held.map_err(|error| StoreError::new(format!("reading who holds {consumer:?}"), error))?;
        Ok(!held.is_empty())
    }

    async fn is_completed(&self, completion: &Completion) -> Result<bool, StoreError> {
        let (sql, values) = find::<DB>(completion);
        let found = query(&self.pool, sql, values).await;
        found.map(|rows| !rows.is_empty()).map_err(|error| StoreError::new(LOOKING, error))
    }

    async fn note(&self, holder: &str, completed: &[Completion]) -> Result<Moved, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        for completion in completed {
            if note_within::<DB>(&mut transaction, holder, completion).await? == Moved::Overtaken {
                let (sql, values) = find::<DB>(completion);
                let found = DB::query(&mut transaction, SqlStr::from_static(sql), values).await;
                if found.map_err(|error| StoreError::new(LOOKING, error))?.is_empty() {
                    return Ok(Moved::Overtaken);
                }
            }
        }
        let committed = transaction.commit().await;
        committed.map_err(|error| StoreError::new("storing which events are completed", error))?;
        Ok(Moved::Yes)
    }

    async fn advance(
        &self,
        holder: &str,
        consumers: &[&str],
        next: &Checkpoint,
        passed: &[Completion],
    ) -> Result<Moved, StoreError> {
        let failed = |error: sqlx::Error| StoreError::new(format!("storing the checkpoints of {consumers:?}"), error);
        let (before, behind) = DB::LIST;
        let share = DB::FOR_SHARE;
        let update = format!(
            "WITH held AS (SELECT consumer FROM event_api_claims WHERE consumer IN {before}$1{behind} AND holder = $2
                 ORDER BY consumer{share})
             UPDATE event_api_checkpoints SET resume = $3, position = $4, event_id = $5, updated = $6
             WHERE consumer IN (SELECT consumer FROM held)"
        );
        let mut values = vec![list::<DB>(consumers.iter().copied()), text::<DB>(holder)];
        values.extend(place::<DB>(next));
        values.push(now::<DB>());
        let update = AssertSqlSafe(update).into_sql_str();
        if consumers.len() == 1 && passed.is_empty() {
            // One statement, without the way to the database and back for a transaction.
            let moved = execute(&self.pool, update, values).await.map_err(failed)?;
            return Ok(if moved == 1 { Moved::Yes } else { Moved::Overtaken });
        }
        let mut transaction = begin(&self.pool).await?;
        let moved = DB::execute(&mut transaction, update, values).await.map_err(failed)?;
        if usize::try_from(moved) != Ok(consumers.len()) {
            transaction.rollback().await.map_err(failed)?;
            return Ok(Moved::Overtaken);
        }
        if !passed.is_empty() {
            let delete = format!(
                "DELETE FROM event_api_completed WHERE consumer IN {before}$1{behind} AND event IN {before}$2{behind}"
            );
            let values = vec![
                list::<DB>(passed.iter().map(|passed| passed.consumer.as_str())),
                list::<DB>(passed.iter().map(|passed| passed.event.as_str())),
            ];
            DB::execute(&mut transaction, AssertSqlSafe(delete).into_sql_str(), values).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(Moved::Yes)
    }
}

const LOOKING: &str = "looking for a completed event";

fn find<DB: Dialect>(completion: &Completion) -> (&'static str, Vec<Value>) {
    let values = vec![text::<DB>(&completion.consumer), text::<DB>(&completion.event)];
    ("SELECT event FROM event_api_completed WHERE consumer = $1 AND event = $2", values)
}

/// Notes in a transaction that an event is completed, unless `holder` no longer holds the checkpoint, or it is noted
/// already.
pub(super) async fn note_within<DB: Dialect>(
    connection: &mut DB::Connection,
    holder: &str,
    completion: &Completion,
) -> Result<Moved, StoreError> {
    let sql = format!(
        "INSERT INTO event_api_completed (consumer, event)
         SELECT held.consumer, $3 FROM (
             SELECT consumer FROM event_api_claims WHERE consumer = $1 AND holder = $2{}
         ) held WHERE true ON CONFLICT DO NOTHING",
        DB::FOR_SHARE
    );
    let values = vec![text::<DB>(&completion.consumer), text::<DB>(holder), text::<DB>(&completion.event)];
    let noted = DB::execute(connection, AssertSqlSafe(sql).into_sql_str(), values).await;
    let noted = noted.map_err(|error| StoreError::new("storing that an event is completed", error))?;
    Ok(if noted == 1 { Moved::Yes } else { Moved::Overtaken })
}
