/* A launcher of a global tool.
 *
 * Its own name says which: `<folder>/<name>` reads `<folder>/trampoline_configuration/<name>.json`, a file with the
 * keys `exe`, `path_diff` and `env`, sets those variables, puts `path_diff` in front of PATH (of PIXI_BASE_PATH where
 * that is set), and becomes `exe`: signals, exit codes, terminal and process number are the tool's own. Started as a
 * login shell (its zeroth argument begins with `-`), it hands that on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#ifndef SOURCE_DIGEST
#define SOURCE_DIGEST ""
#endif
/* by which pixi sees whether this program was made from the present source */
const char source_digest[] = "pixi-trampoline:" SOURCE_DIGEST;

static const char *name = "launcher";
static char *at; /* where the JSON is read; every text is unescaped in place */

static void fail(const char *what, const char *about)
{
    fprintf(stderr, "%s: %s%s%s\n", name, what, about, errno ? strerror(errno) : "");
    fprintf(stderr, "hint: run `pixi global sync`\n");
    exit(127);
}

static void broken(void)
{
    errno = 0;
    fail("its launcher configuration is damaged", "");
}

static void blank(void)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
        at++;
}

static void expect(char c)
{
    blank();
    if (*at != c)
        broken();
    at++;
    blank();
}

static unsigned hexadecimal(void)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++, at++) {
        const char *digits = "0123456789abcdef";
        const char *found = *at ? strchr(digits, *at | 0x20) : NULL;
        if (!found)
            broken();
        value = value * 16 + (unsigned)(found - digits);
    }
    return value;
}

static char *utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xE0 | code >> 12);
        } else {
            *to++ = (char)(0xF0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (code & 0x3F));
    return to;
}

/* An escape behind its backslash; what it means is never longer than how it is written. */
static char *unescape(char *to)
{
    char c = *at++;
    switch (c) {
    case 'n': *to++ = '\n'; return to;
    case 't': *to++ = '\t'; return to;
    case 'r': *to++ = '\r'; return to;
    case 'b': *to++ = '\b'; return to;
    case 'f': *to++ = '\f'; return to;
    case '"': case '\\': case '/': *to++ = c; return to;
    case 'u': {
        unsigned code = hexadecimal();
        if (code >= 0xD800 && code < 0xDC00 && at[0] == '\\' && at[1] == 'u') {
            at += 2;
            code = 0x10000 + ((code - 0xD800) << 10) + (hexadecimal() - 0xDC00);
        }
        return utf8(to, code);
    }
    default: broken(); return to;
    }
}

static char *text(void)
{
    blank();
    if (*at++ != '"')
        broken();
    char *start = at, *to = at;
    while (*at != '"') {
        if (!*at)
            broken();
        if (*at == '\\') {
            at++;
            to = unescape(to);
        } else {
            *to++ = *at++;
        }
    }
    at++;
    *to = 0;
    blank();
    return start;
}

static void skip(void)
{
    blank();
    if (*at == '"') {
        text();
        return;
    }
    for (int depth = 0;; at++) {
        if (*at == '"') {
            text();
            at--;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (!*at || ((*at == ',' || *at == '}' || *at == ']') && depth == 0)) {
            return;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
    }
}

static void set_variables(void)
{
    expect('{');
    while (*at != '}') {
        char *key = text();
        expect(':');
        if (setenv(key, text(), 1))
            fail("cannot set ", key);
        if (*at == ',')
            expect(',');
        else if (*at != '}')
            broken();
    }
    at++;
}

static void set_path(const char *front)
{
    const char *base = getenv("PIXI_BASE_PATH");
    if (!base)
        base = getenv("PATH");
    if (!base)
        base = "/usr/local/bin:/usr/bin:/bin";
    char *whole = malloc(strlen(front) + strlen(base) + 2);
    if (!whole)
        fail("out of memory", "");
    sprintf(whole, "%s%s%s", front, *front && *base ? ":" : "", base);
    if (setenv("PATH", whole, 1))
        fail("cannot set ", "PATH");
}

static void find_self(char *place, size_t size)
{
#ifdef __APPLE__
    char found[PATH_MAX];
    uint32_t length = sizeof found;
    if (_NSGetExecutablePath(found, &length) || !realpath(found, place))
        fail("cannot find its own path: ", "");
    (void)size;
#else
    ssize_t length = readlink("/proc/self/exe", place, size - 1);
    if (length <= 0)
        fail("cannot find its own path: ", "");
    place[length] = 0;
#endif
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0, room = 1 << 14;
    char *content = malloc(room);
    if (!file || !content)
        fail(path, ": ");
    for (;;) {
        size += fread(content + size, 1, room - size - 1, file);
        if (size < room - 1)
            break;
        content = realloc(content, room *= 2);
        if (!content)
            fail("out of memory", "");
    }
    if (ferror(file))
        fail(path, ": ");
    fclose(file);
    content[size] = 0;
    return content;
}

int main(int count, char **arguments)
{
    static char self[PATH_MAX], path[PATH_MAX + 64];
    find_self(self, sizeof self);
    char *slash = strrchr(self, '/');
    if (!slash)
        broken();
    name = slash + 1;
    snprintf(path, sizeof path, "%.*s/trampoline_configuration/%s.json", (int)(slash - self), self, name);
    at = read_whole(path);

    char *program = NULL, *front = "";
    expect('{');
    while (*at != '}') {
        char *key = text();
        expect(':');
        if (!strcmp(key, "exe"))
            program = text();
        else if (!strcmp(key, "path_diff"))
            front = text();
        else if (!strcmp(key, "env"))
            set_variables();
        else
            skip();
        blank();
        if (*at == ',')
            expect(',');
        else if (*at != '}')
            broken();
    }
    if (!program)
        broken();
    set_path(front);

    int is_login = count > 0 && arguments[0][0] == '-';
    char *short_name = strrchr(program, '/');
    char *shown = program;
    if (is_login && short_name) {
        shown = malloc(strlen(short_name) + 1);
        if (!shown)
            fail("out of memory", "");
        sprintf(shown, "-%s", short_name + 1);
    }
    char *none[2] = {shown, NULL};
    char **words = count > 0 ? arguments : none;
    words[0] = shown;
    errno = 0;
    execv(program, words);
    int code = errno == ENOENT ? 127 : 126;
    fprintf(stderr, "%s: cannot start %s: %s\n", name, program, strerror(errno));
    if (errno == ENOENT)
        fprintf(stderr, "hint: run `pixi global sync`\n");
    return code;
}
