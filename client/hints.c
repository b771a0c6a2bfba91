#include "client/hints.h"

#include <stddef.h>

#include "client/text.h"

typedef struct {
    err_t err;
    const char *hint;
} entry_t;

static const entry_t hints[] = {
    // bytes and files
    {ERR_BAD_ARMOUR, N_("have it sent again: one whole line that begins with enlace-")},
    {ERR_TOO_BIG, N_("split it up")},
    {ERR_TOO_MANY, N_("split it up")},
    {ERR_TOO_DEEP, N_("make it flatter")},
    {ERR_BAD_UTF8, N_("save the text as UTF-8")},
    {ERR_NUL_IN_TEXT, N_("take the character out")},
    {ERR_CANNOT_READ, N_("check the path and its permissions")},
    {ERR_CANNOT_WRITE, N_("check the path, its permissions and the room on the disk")},
    {ERR_DISK_FULL, N_("make room and try again; nothing was half written")},
    {ERR_DISK_ERROR, N_("look at the daemon's log and at the disk's health")},
    {ERR_DAMAGED,
     N_("stop the daemon, keep a copy of {dir}, and run enlaced --dir {dir} --verify")},
    {ERR_NEWER_STORE, N_("install the version that wrote it, or a later one")},
    // membership
    {ERR_BAD_SIGNATURE, N_("don't use it: have it sent again by a way you trust")},
    {ERR_BAD_ROSTER, N_("have the charter made again from the members' cards")},
    {ERR_BAD_CARD, N_("have that member print its card again with: enlace card")},
    {ERR_UNKNOWN_MEMBER, N_("check the code; enlace status names the members")},
    {ERR_OTHER_CHARTER,
     N_("a node belongs to one coalition: make another directory for another one")},
    {ERR_NO_CHARTER, N_("accept one with: enlace --dir {dir} charter accept FILE")},
    {ERR_FINGERPRINT_DIFFERS,
     N_("don't accept it: ask who sent it, by telephone, which words they see")},
    {ERR_NOT_CONFIRMED,
     N_("compare what it shows (of a charter the eight words, with its creator's), then answer "
        "yes, or add --yes (for a charter --fingerprint \"WORDS\")")},
    // the node
    {ERR_UNREACHABLE_NODE,
     N_("start it with: enlaced --dir {dir} (as a service: systemctl start enlaced@NAME)")},
    {ERR_OUTCOME_UNKNOWN,
     N_("look before doing it again, once the daemon runs: enlace --dir {dir} show, or list")},
    {ERR_LOCKED, N_("stop the daemon that runs there, or use it")},
    {ERR_NO_DIRECTORY, N_("check --dir, or make a node with: enlace init --dir {dir} --node CODE "
                          "--name TEXT")},
    {ERR_EXISTS_ALREADY, N_("use what is there, or choose another")},
    {ERR_BAD_CONFIG, N_("correct the line in enlaced.conf")},
    {ERR_BAD_KEY_FILE,
     N_("restore it from your copy; key files are for their owner alone (chmod 600)")},
    {ERR_NOT_ALLOWED, N_("ask as the user who runs the daemon")},
    {ERR_FENCED, N_("enlace status says what is needed")},
    {ERR_OWN_LATER_COMMIT, N_("look at it with: enlace --dir {dir} origin recover")},
    {ERR_RESTORED, N_("look at it with: enlace --dir {dir} origin recover")},
    {ERR_FORK, N_("only a new epoch helps: enlace --dir {dir} epoch start --root KEY --cut ...")},
    {ERR_OWN_CLAIMED, N_("try again in a few seconds")},
    {ERR_BAD_CUT, N_("enlace digest prints the numbers and hashes that are held")},
    {ERR_CUT_MISSING, N_("name a cut for each lane, as LANE:NUMBER:HASH or LANE:here")},
    {ERR_BUSY, N_("try again in a moment")},
    {ERR_STOPPING, N_("start the daemon again, then ask again")},
    {ERR_TOO_NEW, N_("upgrade this node")},
    {ERR_VIEW_DIFFERS, N_("keep a copy of {dir} and report it; the log is the truth and the view "
                          "can be rebuilt from it")},
    {ERR_NOT_SYNCED, N_("enlace status says what each of them waits for")},
    // records
    {ERR_BAD_JSON, N_("check it with: jq . FILE")},
    {ERR_DUPLICATE_NAME, N_("keep one of the two")},
    {ERR_UNKNOWN_KIND, N_("enlace list --help names the kinds")},
    {ERR_UNKNOWN_FIELD, N_("check the spelling; enlace show ID prints a record's fields")},
    {ERR_BAD_ASSIGNMENT, N_("write FIELD=VALUE, FIELD= to clear, or FIELD:=JSON")},
    {ERR_WRONG_KIND, N_("point at a record of the right kind")},
    {ERR_AMBIGUOUS_KEY, N_("name the record by its id, as enlace list prints it")},
    {ERR_NO_SUCH_RECORD, N_("enlace list KIND prints ids and keys; another's is @CODE:key")},
    {ERR_NOT_OWNER,
     N_("ask its owner, or record what you have to say about it as a record of your own")},
    {ERR_STALE_REVISION, N_("look at it again with enlace show, then repeat with its revision")},
    {ERR_KEY_TAKEN, N_("choose another key, or edit the record that has it")},
    {ERR_KEY_FIXED, N_("make a new record with the new key and retract the old one")},
    {ERR_KIND_FIXED, N_("make a new record of the other kind and retract this one")},
    {ERR_RETRACTED, N_("make a new record")},
    {ERR_EMPTY_RECORD, N_("give at least one field")},
    {ERR_BAD_LABEL, N_("write TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT or TLP:RED")},
    {ERR_BAD_COUNTRY, N_("write two capital letters, as in CR")},
    {ERR_BAD_LANGUAGE, N_("write es, en, pt or another BCP 47 tag")},
    {ERR_BAD_MONEY, N_("write FIELD.amount_minor=1100 and FIELD.currency=EUR")},
    {ERR_NO_SUCH_IMPORT,
     N_("start the import again: what was written stays and is not written twice")},
    // this program
    {ERR_USAGE, N_("enlace --help lists the commands; behind one, --help says what it takes")},
    {ERR_INTERNAL, N_("please report it, with the command")},
};

const char *hint_of(err_t err)
{
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (hints[i].err == err)
            return hints[i].hint;
    return NULL;
}
