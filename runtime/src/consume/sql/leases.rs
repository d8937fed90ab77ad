//! Leases in Postgres: which member of a group has which partitions.
//!
//! Times are the server's. Members of one group acquire one after the other, by a lock of the group's row.

use async_trait::async_trait;
use sqlx::Transaction;
use sqlx::postgres::{PgConnection, PgPool, Postgres};

use super::{BoxError, Dialect as _, begin};
use crate::consume::error::StoreError;
use crate::consume::group::{Acquired, Leases, Membership, Standing, partition_name, share};

/// Leases in the database of a pool, over connections beside it: handlers' transactions may have all of the pool's, and
/// leases must be renewed meanwhile.
pub(super) struct PostgresLeases {
    pool: PgPool,
}

impl PostgresLeases {
    pub(super) fn beside(pool: &PgPool) -> Self {
        // Two: one that hangs is not to hold up the next try.
        let options =
            pool.options().clone().min_connections(0).max_connections(2).max_lifetime(None).idle_timeout(None);
        PostgresLeases { pool: options.connect_lazy_with((*pool.connect_options()).clone()) }
    }

    /// Begins a transaction, which the server ends when this process stands still in it for as long as `member` leases:
    /// the others of its group wait for it.
    async fn begin(&self, member: &Membership) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        sqlx::query("SELECT set_config('idle_in_transaction_session_timeout', $1, true)")
            .bind(member.lease.as_millis().max(1000).to_string())
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::new("bounding a transaction of the leases", error))?;
        Ok(transaction)
    }
}

#[async_trait]
impl Leases for PostgresLeases {
    async fn acquire(&self, member: &Membership, holder: &str) -> Result<Acquired, StoreError> {
        let failed = |error: BoxError| StoreError::new(format!("leasing partitions of {:?}", member.group), error);
        let mut transaction = self.begin(member).await?;
        let acquired = acquire(&mut transaction, member, holder).await.map_err(failed)?;
        transaction.commit().await.map_err(|error| failed(error.into()))?;
        Ok(acquired)
    }

    async fn renew(&self, member: &Membership, holder: &str) -> Result<Standing, StoreError> {
        let failed = |error: sqlx::Error| StoreError::new(format!("renewing the leases of {:?}", member.group), error);
        let mut transaction = self.begin(member).await?;
        let standing = renew(&mut transaction, member, holder).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(standing)
    }

    async fn leave(&self, member: &Membership) -> Result<(), StoreError> {
        let failed = |error: sqlx::Error| StoreError::new(format!("leaving the group {:?}", member.group), error);
        let mut transaction = self.begin(member).await?;
        for sql in [
            "DELETE FROM event_api_members WHERE group_name = $1 AND member = $2",
            "UPDATE event_api_claims SET holder = '', member = NULL, until = NULL WHERE group_name = $1 AND member = $2",
        ] {
            sqlx::query(sql)
                .bind(Postgres::text(&member.group))
                .bind(&member.member)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

async fn acquire(connection: &mut PgConnection, member: &Membership, holder: &str) -> Result<Acquired, BoxError> {
    let group = Postgres::text(&member.group);
    sqlx::query("INSERT INTO event_api_groups (group_name, partitions) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(&group)
        .bind(i64::from(member.partitions))
        .execute(&mut *connection)
        .await?;
    let partitions: i64 =
        sqlx::query_scalar("SELECT partitions FROM event_api_groups WHERE group_name = $1 FOR UPDATE")
            .bind(&group)
            .fetch_one(&mut *connection)
            .await?;
    let partitions = u32::try_from(partitions).unwrap_or_default();
    if partitions != member.partitions {
        return Ok(Acquired { partitions, held: Vec::new() });
    }
    sqlx::query("DELETE FROM event_api_members WHERE group_name = $1 AND until <= clock_timestamp()")
        .bind(&group)
        .execute(&mut *connection)
        .await?;
    stay(connection, member).await?;
    let share = fair_share(connection, member).await?;

    // In one order, as whoever stores checkpoints: two that wait for each other would be a deadlock.
    let mine: Vec<i64> = sqlx::query_scalar(
        "SELECT partition FROM event_api_claims WHERE group_name = $1 AND member = $2 ORDER BY consumer FOR UPDATE",
    )
    .bind(&group)
    .bind(&member.member)
    .fetch_all(&mut *connection)
    .await?;
    let (kept, given_up) = mine.split_at(share.min(mine.len()));
    sqlx::query(
        "UPDATE event_api_claims SET holder = '', member = NULL, until = NULL
         WHERE group_name = $1 AND partition = ANY($2)",
    )
    .bind(&group)
    .bind(given_up)
    .execute(&mut *connection)
    .await?;
    if known(connection, &group).await? < i64::from(partitions) {
        make(connection, &group, partitions).await?;
    }
    // One that is locked is still had by somebody, who is about to commit or stands still in the middle of it. It is
    // had later; the others must not wait for it.
    let free: Vec<i64> = sqlx::query_scalar(
        "SELECT partition FROM event_api_claims
         WHERE group_name = $1 AND (member IS NULL OR until <= clock_timestamp()) AND partition <> ALL($2)
         ORDER BY consumer LIMIT $3 FOR UPDATE SKIP LOCKED",
    )
    .bind(&group)
    .bind(&mine)
    .bind(i64::try_from(share - kept.len()).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    let held: Vec<i64> = kept.iter().chain(&free).copied().collect();
    sqlx::query(
        "UPDATE event_api_claims SET member = $2, holder = $3, until = clock_timestamp() + $4 * interval '1 millisecond'
         WHERE group_name = $1 AND partition = ANY($5)",
    )
    .bind(&group)
    .bind(&member.member)
    .bind(holder)
    .bind(millis(member))
    .bind(&held)
    .execute(&mut *connection)
    .await?;
    Ok(Acquired { partitions, held: held.iter().filter_map(|number| u32::try_from(*number).ok()).collect() })
}

/// How many partitions there are.
async fn known(connection: &mut PgConnection, group: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM event_api_claims WHERE group_name = $1")
        .bind(group)
        .fetch_one(connection)
        .await
}

/// Makes those that were never had.
async fn make(connection: &mut PgConnection, group: &str, partitions: u32) -> Result<(), BoxError> {
    for partition in 0..partitions {
        sqlx::query(
            "INSERT INTO event_api_claims (consumer, holder, group_name, partition)
             SELECT $1, '', $2, $3 WHERE NOT EXISTS (
                 SELECT 1 FROM event_api_claims WHERE group_name = $2 AND partition = $3
             ) ON CONFLICT DO NOTHING",
        )
        .bind(partition_name(group, partition))
        .bind(group)
        .bind(i64::from(partition))
        .execute(&mut *connection)
        .await?;
    }
    if known(connection, group).await? < i64::from(partitions) {
        let last = partition_name(group, partitions - 1);
        let first = partition_name(group, 0);
        return Err(format!(
            "another consumer has the name of one of the group's partitions, {first:?} to {last:?}: nobody would handle \
             the events of that partition; give the group another name"
        )
        .into());
    }
    Ok(())
}

async fn renew(connection: &mut PgConnection, member: &Membership, holder: &str) -> Result<Standing, sqlx::Error> {
    let group = Postgres::text(&member.group);
    stay(connection, member).await?;
    let held = sqlx::query(
        "UPDATE event_api_claims SET until = clock_timestamp() + $3 * interval '1 millisecond'
         WHERE consumer IN (
             SELECT consumer FROM event_api_claims WHERE group_name = $1 AND holder = $2 ORDER BY consumer FOR UPDATE
         )",
    )
    .bind(&group)
    .bind(holder)
    .bind(millis(member))
    .execute(&mut *connection)
    .await?;
    let held = usize::try_from(held.rows_affected()).unwrap_or_default();
    let share = fair_share(connection, member).await?;
    // Only then does it matter.
    let free = if held < share { free(connection, &group).await? } else { 0 };
    Ok(Standing { held, share, free })
}

/// How many partitions could be had now.
async fn free(connection: &mut PgConnection, group: &str) -> Result<usize, sqlx::Error> {
    // Somebody acquires, and must not pass over what is locked here: it is looked for again with the next renewal.
    let ours = sqlx::query("SELECT 1 FROM event_api_groups WHERE group_name = $1 FOR UPDATE SKIP LOCKED")
        .bind(group)
        .fetch_optional(&mut *connection)
        .await?;
    if ours.is_none() {
        return Ok(0);
    }
    // As when they are acquired: one that is locked cannot be had. Who counted it would end its session for nothing.
    let free: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT 1 FROM event_api_claims
             WHERE group_name = $1 AND (member IS NULL OR until <= clock_timestamp()) FOR UPDATE SKIP LOCKED
         ) free",
    )
    .bind(group)
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(free).unwrap_or_default())
}

/// Says that a member is there.
async fn stay(connection: &mut PgConnection, member: &Membership) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO event_api_members (group_name, member, until)
         VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
         ON CONFLICT (group_name, member) DO UPDATE SET until = excluded.until",
    )
    .bind(Postgres::text(&member.group))
    .bind(&member.member)
    .bind(millis(member))
    .execute(connection)
    .await?;
    Ok(())
}

/// How many partitions a member should have, of those that are there.
async fn fair_share(connection: &mut PgConnection, member: &Membership) -> Result<usize, sqlx::Error> {
    let (members, before): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE member < $2) FROM event_api_members
         WHERE group_name = $1 AND until > clock_timestamp()",
    )
    .bind(Postgres::text(&member.group))
    .bind(&member.member)
    .fetch_one(connection)
    .await?;
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    Ok(share(usize::try_from(member.partitions).unwrap_or(usize::MAX), count(members), count(before)))
}

#[expect(clippy::cast_precision_loss, reason = "leases are an hour at most")]
fn millis(member: &Membership) -> f64 {
    member.lease.as_millis() as f64
}
