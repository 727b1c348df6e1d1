// Where words, quotes and comments begin and end in SQL.
#include "pgtraffic/workload/sql_scanner.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pgtraffic;
using workload::SqlScanner;

TEST_CASE("words are what stands outside of quotes, comments and parameters") {
    using Words = std::vector<std::string>;
    CHECK(workload::sql_words("SELECT a FROM B_1 WHERE x=$1") ==
          Words{"select", "a", "from", "b_1", "where", "x"});
    CHECK(workload::sql_words("select 'delete ''x'' from' || \"insert\"\"into\" -- update\n, y") ==
          Words{"select", "y"});
    CHECK(workload::sql_words("select /* a /* nested delete */ b */ c, E'it\\'s delete' , d") ==
          Words{"select", "c", "d"});
    CHECK(workload::sql_words("select $$ delete $x$ $$, $f$ insert $$ $f$, 1e5, 0xdelete") ==
          Words{"select"});
    // A text goes on behind a line's end, with its escapes.
    CHECK(workload::sql_words("select E'a'\n'\\'' as c, x as (delete from t where c <> 'q')") ==
          Words{"select", "as", "c", "x", "as", "delete", "from", "t", "where", "c"});
    CHECK(workload::sql_words("select E'a' -- it's a note\n'b\\'' as x, nextval('s'), 'z' as w") ==
          Words{"select", "as", "x", "nextval", "as", "w"});
    CHECK(workload::sql_words("select E'a' /* no */\n'b\\' as x") == Words{"select", "as", "x"});
    CHECK(workload::sql_words("select E'a' 'b' from t") == Words{"select", "from", "t"});
    // What never ends takes the rest, and nothing hangs.
    for (const char* open : {"select 'abc", "select \"abc", "select $q$ abc", "select /* abc", "select E'\\",
                             "select $", "select $9", "select -"}) {
        CAPTURE(open);
        CHECK(workload::sql_words(open) == Words{"select"});
    }
    CHECK(workload::sql_words(" ;;(").empty());
}

TEST_CASE("the scanner stops behind white space, comments and semicolons, and takes one thing at a time") {
    SqlScanner sql{" ;-- why\n/* a /* b */ */ Insert\tINTO\"T\"(a$1) E'it\\'s' $1 'x'--"};
    CHECK(sql.take_word() == "insert");
    CHECK(sql.take_word() == "into");
    CHECK(sql.take_word().empty());
    for (const char* next : {"\"T\"", "(", "a$1", ")", "E'it", "$1", "'x'"}) {
        CHECK(sql.peek().starts_with(next));
        sql.skip();
    }
    CHECK(sql.peek().empty());
    sql.skip();
    sql.skip(100);
    CHECK(sql.take_word().empty());
}
