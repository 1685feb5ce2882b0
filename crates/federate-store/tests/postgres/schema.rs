//! Making and migrating the tables, and values that cannot be read.

use super::fixtures::*;
use federate_session::*;
use federate_store::{OpenError, PostgresOptions, PostgresStore};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_come_at_once_make_the_tables_once() {
    let Some(server) = server() else { return };
    let options = server.options();
    let connect = || tokio::spawn(PostgresStore::connect(options.clone()));
    let all = [connect(), connect(), connect(), connect()];
    for store in all {
        let store = store.await.unwrap().unwrap();
        let put = store.put_new(assertion(1), start()).await.unwrap();
        drop(store);
        let _ = put;
    }
    let again = PostgresStore::connect(options).await.unwrap();
    let put = again.put_new(assertion(1), start()).await.unwrap();
    assert_eq!(put, PutNew::AlreadyPresent, "nothing was made anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_format_is_told() {
    let Some(server) = server() else { return };
    let options = server.options();
    drop(PostgresStore::connect(options.clone()).await.unwrap());
    let client = server.client(&options.schema).await;
    let newer = "UPDATE federate SET version = 99";
    client.batch_execute(newer).await.unwrap();
    let error = PostgresStore::connect(options).await.unwrap_err();
    assert!(
        matches!(error, OpenError::UnsupportedFormat { found: 99 }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_schema_is_told_and_left_alone() {
    let Some(server) = server() else { return };
    let client = server.client("public").await;
    let schemas = [
        ("theirs1", "CREATE TABLE theirs1.somebodys (n int)"),
        ("theirs2", "CREATE TABLE theirs2.federate (n int)"),
        ("theirs3", "CREATE TABLE theirs3.federate (version bigint)"),
        (
            "theirs4",
            "CREATE VIEW theirs4.federate AS SELECT 'x' AS version",
        ),
    ];
    for (schema, table) in schemas {
        let make = format!("CREATE SCHEMA {schema}; {table}");
        client.batch_execute(&make).await.unwrap();
        let options = PostgresOptions {
            schema: schema.to_owned(),
            ..server.options()
        };
        let error = PostgresStore::connect(options).await.unwrap_err();
        assert!(matches!(error, OpenError::Foreign), "{schema}: {error:?}");
    }
    // An empty one was made for us.
    client.batch_execute("CREATE SCHEMA empty").await.unwrap();
    let options = PostgresOptions {
        schema: "empty".to_owned(),
        ..server.options()
    };
    PostgresStore::connect(options).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told() {
    let options = PostgresOptions {
        connect_timeout: Duration::from_secs(1),
        ..PostgresOptions::new("postgresql://nobody@127.0.0.1:1/none")
    };
    let error = PostgresStore::connect(options).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    let error = PostgresStore::connect(PostgresOptions::new("port=many")).await;
    assert_eq!(error.unwrap_err().code(), "store.database");
    let secret = PostgresOptions::new("postgresql://me:secret@db/hub");
    assert!(!format!("{secret:?}").contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_values_are_told() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let client = server.client(&schema_of(&store)).await;
    let policy = LifetimePolicy::default();
    let one = session(1, &policy, start());
    store.create(one.clone(), start()).await.unwrap();
    assert_eq!(
        store.put_new(assertion(1), start()).await.unwrap(),
        PutNew::Inserted
    );
    let end = start() + days(1);
    store
        .create_logout(&logout(1), vec![1], end, None, start())
        .await
        .unwrap();
    let user = store
        .find_or_create(&one.subject, one.user.clone(), Profile::default(), start())
        .await
        .unwrap();
    let columns = [
        ("sessions", "state"),
        ("sessions", "record"),
        ("sessions", "participants"),
        ("one_time", "value"),
        ("logouts", "value"),
        ("users", "value"),
    ];
    for (damage, code) in [
        ("substring({} FOR 1)", "store.corrupt"),
        ("{} || '\\x00'", "store.corrupt"),
        ("'\\x'", "store.corrupt"),
        (
            "overlay({} PLACING '\\x63' FROM 1 FOR 1)",
            "store.unsupported_format",
        ),
    ] {
        for (table, column) in columns {
            let sql = format!("SELECT {column} FROM {table}");
            let whole: Vec<u8> = client.query_one(&sql, &[]).await.unwrap().get(0);
            let damage = damage.replace("{}", column);
            let sql = format!("UPDATE {table} SET {column} = {damage}");
            assert_eq!(client.execute(&sql, &[]).await.unwrap(), 1);
            let error = match table {
                "sessions" => store.load(&key(1), start()).await.unwrap_err(),
                "one_time" => {
                    let entry = assertion(1);
                    store
                        .peek(entry.namespace, &entry.key, start())
                        .await
                        .unwrap_err()
                }
                "logouts" => store.load_logout(&logout(1), start()).await.unwrap_err(),
                _ => store.user_by_subject(&one.subject).await.unwrap_err(),
            };
            assert_eq!(error.code(), code, "{table}.{column} = {damage}");
            let sql = format!("UPDATE {table} SET {column} = $1");
            client.execute(&sql, &[&whole]).await.unwrap();
        }
    }
    let loaded = store.load(&key(1), start()).await.unwrap();
    assert_eq!(loaded, SessionState::Alive(Box::new(one.clone())));
    let found = store.user_by_subject(&one.subject).await.unwrap();
    assert_eq!(found, Some(user.into_user()));
}
