#include "daemon/search/tokenizer.h"

#include "daemon/store/sql.h"
#include "lib/mem.h"

struct tokenizer {
    sql_t *sql; // whose tokenizer it is
    fts5_tokenizer methods;
    Fts5Tokenizer *instance;
};

typedef struct {
    tokenizer_word_fn *fn;
    void *context;
} caller_t;

// https://www.sqlite.org/fts5.html, section 7: how a program comes by the tokenizers.
static fts5_api *find_api(sqlite3 *handle)
{
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return api;
}

static err_t open_tokenizer(tokenizer_t *tokenizer, fault_t *fault)
{
    const char *options[] = {"remove_diacritics", "2"};
    void *data = NULL;
    fts5_api *api = find_api(sql_handle(tokenizer->sql));
    if (api && api->xFindTokenizer(api, "unicode61", &data, &tokenizer->methods) == SQLITE_OK &&
        tokenizer->methods.xCreate(data, options, 2, &tokenizer->instance) == SQLITE_OK)
        return ERR_OK;
    return fault_set(fault, ERR_INTERNAL, "search", "this SQLite has no FTS5");
}

err_t tokenizer_new(tokenizer_t **tokenizer, fault_t *fault)
{
    tokenizer_t *made = mem_alloc(sizeof *made);
    *tokenizer = NULL;
    err_t err = sql_open(NULL, NULL, SQL_SCRATCH, &made->sql, fault);
    if (!err)
        err = open_tokenizer(made, fault);
    if (err) {
        tokenizer_destroy(&made);
        return err;
    }
    *tokenizer = made;
    return ERR_OK;
}

void tokenizer_destroy(tokenizer_t **tokenizer)
{
    if (!tokenizer || !*tokenizer)
        return;
    if ((*tokenizer)->instance)
        (*tokenizer)->methods.xDelete((*tokenizer)->instance);
    sql_close(&(*tokenizer)->sql);
    mem_free(*tokenizer);
    *tokenizer = NULL;
}

static int take(void *context, int flags, const char *word, int size, int start, int end)
{
    caller_t *caller = context;
    size_t kept = size > 0 ? (size_t)size : 0;
    (void)flags, (void)start, (void)end;
    if (kept > WORD_BYTES_MAX)
        for (kept = WORD_BYTES_MAX; kept > 0 && ((unsigned char)word[kept] & 0xc0) == 0x80;)
            kept--;
    if (kept)
        caller->fn(caller->context, span_of(word, kept));
    return SQLITE_OK;
}

void tokenizer_cut(tokenizer_t *tokenizer, span_t text, tokenizer_word_fn *fn, void *context)
{
    caller_t caller = {fn, context};
    if (text.size && text.size <= INT32_MAX &&
        tokenizer->methods.xTokenize(tokenizer->instance, &caller, FTS5_TOKENIZE_DOCUMENT,
                                     (const char *)text.data, (int)text.size, take) == SQLITE_NOMEM)
        mem_exhausted();
}
