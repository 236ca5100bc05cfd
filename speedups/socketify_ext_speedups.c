/* The hot path of socketify-ext in C: the dispatch of requests, and the calls that most handlers make.
 *
 * Each function here does the common case of a Python function of the same name, and nothing else. Where one of its
 * conditions does not hold, it has changed nothing and calls that Python function with the arguments that it got. So what
 * is refused, logged or raised, and how, is said in one place, which is not this one.
 *
 * State: objects of requests and responses keep some of their instance attributes in a C struct in place of their dict.
 * The attributes have the names that they have in Python, where they are read, written and deleted as before; one that is
 * not set is looked up in the classes behind, as a default there is.
 *
 * Functions of the core come in as addresses, so that nothing is linked to it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#ifdef Py_GIL_DISABLED
#error "The state of a request is guarded by the GIL: this CPython has none. socketify-ext works without its speedups."
#endif

/* What `socketify_ext.runtime.speedups` and this file have agreed on; a package that expects another number goes without. */
#define INTERFACE 2
#define RELEASED_FROM (64 * 1024) /* bytes that are handed to the core without the GIL */
#define LAST_INDEX 0xFFFF         /* of a route parameter */

/* -- what `configure` sets */

static void (*core_end)(int, void *, const char *, size_t, bool);
static void (*core_cork_send)(int, void *, const char *, size_t, const char *, size_t, const char *, size_t, bool);
static bool (*core_has_responded)(int, void *);
static void (*core_close)(int, void *);
static size_t (*core_header)(void *, const char *, size_t, const char **);
static size_t (*core_parameter)(void *, unsigned short, const char **);
static size_t (*core_url)(void *, const char **);
static size_t (*core_full_url)(void *, const char **);
static size_t (*core_method)(void *, const char **);
static void (*core_each_header)(void *, void (*)(const char *, size_t, const char *, size_t, void *), void *);
typedef void (*OnAborted)(void *, void *);
typedef void (*OnData)(void *, const char *, size_t, bool, void *);
static void (*core_on_aborted)(int, void *, OnAborted, void *);
static void (*core_on_data)(int, void *, OnData, void *);
static OnAborted on_aborted; /* in Python */
static bool (*core_publish)(int, void *, const char *, size_t, const char *, size_t, int, bool);
static int (*core_ws_send)(int, void *, const char *, size_t, int, bool, bool);

static const struct {
    const char *name;
    void *place;
} ADDRESSES[] = {
    {"uws_res_end", &core_end},
    {"socketify_res_cork_send", &core_cork_send},
    {"uws_res_has_responded", &core_has_responded},
    {"uws_res_close", &core_close},
    {"uws_req_get_header", &core_header},
    {"uws_req_get_parameter", &core_parameter},
    {"uws_req_get_url", &core_url},
    {"uws_req_get_full_url", &core_full_url},
    {"uws_req_get_case_sensitive_method", &core_method},
    {"uws_req_for_each_header", &core_each_header},
    {"uws_res_on_aborted", &core_on_aborted},
    {"uws_res_on_data", &core_on_data},
    {"on_aborted", &on_aborted},
    {"uws_publish", &core_publish},
    {"uws_ws_send_with_options", &core_ws_send},
};

static PyObject *pointer_to_request, *pointer_to_response; /* make a cffi pointer from an address */
static PyObject *header_keys;                              /* header names as they are asked for -> as the core takes them */
static PyObject *header_names;                             /* header names -> the beginnings of their lines */
static PyObject *body_statuses;                            /* codes -> status lines of answers that may have a body */
static PyObject *ok_status, *plain_type, *sent_type, *json_type; /* bytes */
static PyObject *check_classes, *dispatch_in_python, *handle_result, *yield_response, *fail_request;
static PyObject *drop_request, *drop_unserved;
static PyObject *pending, *next_key;         /* responses that native callbacks may come for, by their numbers */
static PyObject *make_address;               /* of a number, as which a callback gets it */
static PyObject *receive_part;
static PyObject *address_of;                 /* makes an address from a cffi pointer */
static PyObject *send_statuses;              /* members of the core's enumeration, by their numbers */
static PyObject *opcode_binary, *opcode_text;
static PyObject *message_in_python, *start_message, *fail_message;

static const struct {
    const char *name;
    PyObject **place;
    PyTypeObject *type; /* NULL for any */
} OBJECTS[] = {
    {"pointer_to_request", &pointer_to_request, NULL},
    {"pointer_to_response", &pointer_to_response, NULL},
    {"header_keys", &header_keys, &PyDict_Type},
    {"header_names", &header_names, &PyDict_Type},
    {"body_statuses", &body_statuses, &PyDict_Type},
    {"ok_status", &ok_status, &PyBytes_Type},
    {"plain_type", &plain_type, &PyBytes_Type},
    {"sent_type", &sent_type, &PyBytes_Type},
    {"json_type", &json_type, &PyBytes_Type},
    {"check_classes", &check_classes, NULL},
    {"dispatch_in_python", &dispatch_in_python, NULL},
    {"handle_result", &handle_result, NULL},
    {"yield_response", &yield_response, NULL},
    {"fail_request", &fail_request, NULL},
    {"drop_request", &drop_request, NULL},
    {"drop_unserved", &drop_unserved, NULL},
    {"pending", &pending, &PyDict_Type},
    {"next_key", &next_key, NULL},
    {"make_address", &make_address, NULL},
    {"receive_part", &receive_part, NULL},
    {"address_of", &address_of, NULL},
    {"send_statuses", &send_statuses, &PyTuple_Type},
    {"opcode_binary", &opcode_binary, NULL},
    {"opcode_text", &opcode_text, NULL},
    {"message_in_python", &message_in_python, NULL},
    {"start_message", &start_message, NULL},
    {"fail_message", &fail_message, NULL},
};

/* Offsets of a route's slots, which are read as they are at each request. */
static Py_ssize_t at_handler, at_request_class, at_response_class, at_server, at_ssl, at_handle, at_parameter_names;
static Py_ssize_t at_message;

typedef struct {
    const char *name;
    Py_ssize_t *place;
} Slot;

static const Slot SLOTS[] = {
    {"handler", &at_handler},
    {"request_class", &at_request_class},
    {"response_class", &at_response_class},
    {"server", &at_server},
    {"ssl", &at_ssl},
    {"handle", &at_handle},
    {"parameter_names", &at_parameter_names},
};

/* Those of the route of a WebSocket. */
static const Slot SOCKET_SLOTS[] = {{"message", &at_message}};

/* And those of a server. */
static Py_ssize_t at_entered, at_yielded, at_dump_json, at_address, at_thread, at_has_topics, at_topic_counts, at_server_ssl;
static const Slot SERVER_SLOTS[] = {
    {"entered", &at_entered},       {"yielded", &at_yielded},
    {"dump_json", &at_dump_json},   {"address", &at_address},
    {"thread", &at_thread},         {"ssl", &at_server_ssl},
    {"has_topics", &at_has_topics}, {"topic_counts", &at_topic_counts},
};

static PyTypeObject *route_type, *socket_route_type, *server_type;
static unsigned long classes_version = 1; /* grows where classes that were checked may have changed */

static PyObject *s_answered, *s_deliver, *s_answer, *s_body, *s_end;
static PyObject *s_dispatched_response, *s_get_header, *s_get_url, *s_get_full_url, *s_get_method, *s_get_query;
static PyObject *s_get_headers, *s_preserve, *s_parameter_names;
static PyObject *s_wait, *s_read_natively, *s_response_key, *s_finish, *s_bodiless, *s_write_jar;
static PyObject *s_get_parameter, *s_write_status, *s_write_header, *s_send, *s_refuse, *s_refuse_head, *s_set_status, *s_head_sent, *s_ssl;
static PyObject *empty_bytes;

static const struct {
    const char *text;
    PyObject **place;
} STRINGS[] = {
    {"_answered", &s_answered},
    {"_deliver", &s_deliver},
    {"_answer", &s_answer},
    {"_body", &s_body},
    {"end", &s_end},
    {"_dispatched_response", &s_dispatched_response},
    {"get_header", &s_get_header},
    {"get_url", &s_get_url},
    {"get_full_url", &s_get_full_url},
    {"get_method", &s_get_method},
    {"get_query", &s_get_query},
    {"get_parameter", &s_get_parameter},
    {"get_headers", &s_get_headers},
    {"preserve", &s_preserve},
    {"_parameter_names", &s_parameter_names},
    {"_wait", &s_wait},
    {"_read_natively", &s_read_natively},
    {"_response_key", &s_response_key},
    {"_finish", &s_finish},
    {"_bodiless", &s_bodiless},
    {"_write_jar", &s_write_jar},
    {"write_status", &s_write_status},
    {"write_header", &s_write_header},
    {"send", &s_send},
    {"_refuse", &s_refuse},
    {"_refuse_head", &s_refuse_head},
    {"_set_status", &s_set_status},
    {"_head_sent", &s_head_sent},
    {"_ssl", &s_ssl},
};

/* -- state */

typedef struct {
    PyObject_HEAD
    PyObject *route;
    PyObject *request_class, *response_class; /* those that were checked */
    unsigned long version;                    /* of the classes, when they were */
    bool usable;                              /* their state is in these structs */
    bool plain_request, plain_response;       /* nothing that is relied on here is done otherwise there, */
    bool is_observed;                         /* but that the response's class has an `_answered` of its own */
    int ssl;
} Binding;

typedef struct {
    PyObject_HEAD
    void *native; /* the core's request, while the callback that has made this object runs, and its memory is valid */
    PyTypeObject *plain_type; /* its type, where that changes nothing which the functions here rely on */
    unsigned long thread;
    PyObject *response; /* borrowed: while that callback runs */
    Binding *binding;   /* the same */
    PyObject *req, *headers, *params, *url, *full_url, *method;
    char yielded, is_preserved;
} Request;

typedef struct {
    PyObject_HEAD
    void *native;             /* the core's response, as long as `res` has not been set otherwise */
    PyTypeObject *plain_type; /* its type, while the functions here may take its state for all that there is */
    unsigned long version;
    unsigned long thread;
    int ssl;
    PyObject *server; /* borrowed: the class has it */
    PyObject *res, *request, *variables, *unsent, *unsent_type, *status, *head, *key, *encode;
    char answered, body_only, single_write, head_sent, last;
    bool is_observed; /* its `_answered` is a property of its class */
} Response;

typedef struct WebSocket_ {
    PyObject_HEAD
    void *native; /* the core's socket, while `ws` is the pointer to it */
    unsigned long thread;
    int ssl;
    struct WebSocket_ *next; /* in its place of the table */
    PyObject *ws, *route, *variables;
} WebSocket;

enum { UNSET, OFF, ON }; /* of a flag: not set on the object, False, True */

static PyTypeObject RequestType, ResponseType, WebSocketType, BindingType;

typedef struct {
    const char *name;
    PyTypeObject *type;
    Py_ssize_t offset;
    bool is_flag;
    PyObject *interned;
} Field;

#define OBJECT(type, name, field) {name, &type##Type, offsetof(type, field), false, NULL}
#define FLAG(type, name, field) {name, &type##Type, offsetof(type, field), true, NULL}

static Field REQUEST_FIELDS[] = {
    OBJECT(Request, "_headers", headers), OBJECT(Request, "_params", params), OBJECT(Request, "_url", url),
    OBJECT(Request, "_full_url", full_url), OBJECT(Request, "_method", method), FLAG(Request, "_yielded", yielded),
    FLAG(Request, "_is_preserved", is_preserved),
};
static Field REQ_FIELD = OBJECT(Request, "req", req);

static Field RESPONSE_FIELDS[] = {
    OBJECT(Response, "_request", request), OBJECT(Response, "_variables", variables),
    OBJECT(Response, "_unsent", unsent), OBJECT(Response, "_unsent_type", unsent_type),
    OBJECT(Response, "_status", status), OBJECT(Response, "_head", head),
    OBJECT(Response, "_key", key), OBJECT(Response, "_encode", encode),
    FLAG(Response, "_answered", answered), FLAG(Response, "_body_only", body_only),
    FLAG(Response, "_single_write", single_write), FLAG(Response, "_head_sent", head_sent), FLAG(Response, "_last", last),
};
static Field RES_FIELD = OBJECT(Response, "res", res);

static Field WEBSOCKET_FIELDS[] = {
    OBJECT(WebSocket, "_route", route),
    OBJECT(WebSocket, "_variables", variables),
};
static Field WS_FIELD = OBJECT(WebSocket, "ws", ws);

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Look an attribute up in the classes behind the one of this file, as `super()` does. Returns a borrowed reference. */
static PyObject *behind(PyObject *self, PyTypeObject *type, PyObject *name)
{
    PyObject *mro = Py_TYPE(self)->tp_mro;
    Py_ssize_t count = PyTuple_GET_SIZE(mro), i = 0;
    while (i < count && PyTuple_GET_ITEM(mro, i) != (PyObject *)type)
        i++;
    for (i++; i < count; i++) {
        PyObject *names = ((PyTypeObject *)PyTuple_GET_ITEM(mro, i))->tp_dict;
        PyObject *found = names == NULL ? NULL : PyDict_GetItemWithError(names, name);
        if (found != NULL || PyErr_Occurred())
            return found;
    }
    PyErr_SetObject(PyExc_AttributeError, name);
    return NULL;
}

/* Call the Python function that a function of this file stands in front of. */
static PyObject *in_python(PyObject *self, PyTypeObject *type, PyObject *name, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    PyObject *function = behind(self, type, name), *few[8], **all = few, *result;
    Py_ssize_t total = count + (keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords));
    if (function == NULL)
        return NULL;
    if (total >= (Py_ssize_t)COUNT(few) && (all = PyMem_New(PyObject *, total + 1)) == NULL)
        return PyErr_NoMemory();
    all[0] = self;
    if (total)
        memcpy(all + 1, args, total * sizeof(*all));
    Py_INCREF(function);
    result = PyObject_Vectorcall(function, all, count + 1, keywords);
    Py_DECREF(function);
    if (all != few)
        PyMem_Free(all);
    return result;
}

static PyObject *get_field(PyObject *self, void *closure)
{
    Field *field = closure;
    PyObject *found;
    if (field->is_flag) {
        char value = *((char *)self + field->offset);
        if (value != UNSET)
            return PyBool_FromLong(value == ON);
        found = NULL;
    }
    else
        found = *(PyObject **)((char *)self + field->offset);
    if (found == NULL)
        found = behind(self, field->type, field->interned);
    Py_XINCREF(found);
    return found;
}

static int set_field(PyObject *self, PyObject *value, void *closure)
{
    Field *field = closure;
    if (field->is_flag) {
        int is_on = value == NULL ? 0 : PyObject_IsTrue(value);
        if (is_on < 0)
            return -1;
        *((char *)self + field->offset) = value == NULL ? UNSET : is_on ? ON : OFF;
    }
    else {
        PyObject **place = (PyObject **)((char *)self + field->offset), *earlier = *place;
        Py_XINCREF(value);
        *place = value;
        Py_XDECREF(earlier);
    }
    return 0;
}

static void set_object(PyObject **place, PyObject *value)
{
    PyObject *earlier = *place;
    Py_INCREF(value);
    *place = value;
    Py_XDECREF(earlier);
}

static PyObject *same(PyObject *self)
{
    Py_INCREF(self);
    return self;
}

static inline bool is_none(PyObject *value)
{
    return value == NULL || value == Py_None;
}

/* Return a cffi pointer to an address of the core. */
static PyObject *make_pointer(PyObject *maker, void *address)
{
    PyObject *number = PyLong_FromVoidPtr(address), *made;
    if (number == NULL)
        return NULL;
    made = PyObject_CallOneArg(maker, number);
    Py_DECREF(number);
    return made;
}

/* `req` and `res`: made when Python asks for them, which few requests do. */
static PyObject *get_pointer(PyObject *self, void **native, PyObject **held, PyObject *maker, Field *field)
{
    if (*native != NULL && *held == NULL) {
        PyObject *made = make_pointer(maker, *native);
        if (made == NULL)
            return NULL;
        if (*native == NULL || *held != NULL) { /* set meanwhile */
            Py_DECREF(made);
            return get_field(self, field);
        }
        *held = made;
    }
    return get_field(self, field);
}

static PyObject *request_get_req(PyObject *self, void *Py_UNUSED(closure))
{
    Request *request = (Request *)self;
    return get_pointer(self, &request->native, &request->req, pointer_to_request, &REQ_FIELD);
}

static int request_set_req(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    ((Request *)self)->native = NULL;
    return set_field(self, value, &REQ_FIELD);
}

static PyObject *response_get_res(PyObject *self, void *Py_UNUSED(closure))
{
    Response *response = (Response *)self;
    return get_pointer(self, &response->native, &response->res, pointer_to_response, &RES_FIELD);
}

static int response_set_res(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    ((Response *)self)->native = NULL;
    return set_field(self, value, &RES_FIELD);
}

/* -- the request */

#define SLOT(route, at) (*(PyObject **)((char *)(route) + (at)))

/* Whether the core's memory is valid, and this thread's. */
static inline bool is_readable(Request *self)
{
    return self->native != NULL && self->thread == PyThread_get_thread_ident();
}

static inline PyObject *text(const char *data, size_t length)
{
    return PyUnicode_DecodeUTF8(data, (Py_ssize_t)length, "replace");
}

static PyObject *request_get_header(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Request *self = (Request *)object;
    if (count == 1 && keywords == NULL && (PyUnicode_CheckExact(args[0]) || PyBytes_CheckExact(args[0]))) {
        if (!is_none(self->headers)) {
            if (PyDict_CheckExact(self->headers)) {
                PyObject *found = PyDict_GetItemWithError(self->headers, args[0]);
                if (found != NULL && found != Py_None) {
                    Py_INCREF(found);
                    return found;
                }
            }
        }
        else if (is_readable(self)) {
            PyObject *key = PyDict_GetItemWithError(header_keys, args[0]);
            if (key != NULL && PyBytes_CheckExact(key)) {
                const char *data = NULL;
                size_t length = core_header(self->native, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), &data);
                if (!length) {
                    if (data == NULL)
                        Py_RETURN_NONE;
                    return PyUnicode_FromStringAndSize(NULL, 0);
                }
                PyObject *value = PyUnicode_DecodeUTF8(data, (Py_ssize_t)length, NULL);
                if (value == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
                    PyErr_Clear();
                    Py_RETURN_NONE;
                }
                return value;
            }
        }
        PyErr_Clear();
    }
    return in_python(object, &RequestType, s_get_header, args, count, keywords);
}

static PyObject *read_once(PyObject *object, PyObject **held, size_t (*getter)(void *, const char **))
{
    Request *self = (Request *)object;
    const char *data = NULL;
    PyObject *value;
    size_t length = getter(self->native, &data);
    if (data == NULL)
        Py_RETURN_NONE;
    value = text(data, length);
    if (value != NULL)
        set_object(held, value);
    return value;
}

#define READ_ONCE(name, field, getter)                                                                                   \
    static PyObject *request_##name(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)     \
    {                                                                                                                  \
        Request *self = (Request *)object;                                                                             \
        if (count == 0 && keywords == NULL) {                                                                          \
            if (!is_none(self->field)) {                                                                               \
                Py_INCREF(self->field);                                                                                \
                return self->field;                                                                                    \
            }                                                                                                          \
            if (is_readable(self))                                                                                     \
                return read_once(object, &self->field, getter);                                                        \
        }                                                                                                              \
        return in_python(object, &RequestType, s_##name, args, count, keywords);                                       \
    }

READ_ONCE(get_url, url, core_url)
READ_ONCE(get_full_url, full_url, core_full_url)
READ_ONCE(get_method, method, core_method)

/* A query without escapes is searched here. */
static PyObject *request_get_query(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Request *self = (Request *)object;
    if (count == 1 && keywords == NULL && self->plain_type == Py_TYPE(self) && PyUnicode_CheckExact(args[0])
        && PyUnicode_IS_COMPACT_ASCII(args[0])) {
        if (is_none(self->full_url) && is_readable(self)) {
            PyObject *read = read_once(object, &self->full_url, core_full_url);
            if (read == NULL)
                return NULL;
            Py_DECREF(read);
        }
        if (!is_none(self->full_url) && PyUnicode_CheckExact(self->full_url) && PyUnicode_IS_COMPACT_ASCII(self->full_url)) {
            const char *key = PyUnicode_DATA(args[0]), *url = PyUnicode_DATA(self->full_url);
            size_t key_length = PyUnicode_GET_LENGTH(args[0]);
            const char *end = url + PyUnicode_GET_LENGTH(self->full_url);
            const char *part = memchr(url, '?', end - url);
            if (part == NULL) {
                if (end != url)
                    Py_RETURN_NONE;
            }
            else if (!memchr(part, '%', end - part) && !memchr(part, '+', end - part)) {
                for (part++; part <= end;) {
                    const char *stop = memchr(part, '&', end - part), *name_end;
                    if (stop == NULL)
                        stop = end;
                    name_end = memchr(part, '=', stop - part);
                    if (name_end == NULL)
                        name_end = stop;
                    if (stop != part && (size_t)(name_end - part) == key_length && !memcmp(part, key, key_length)) {
                        if (name_end != stop)
                            name_end++;
                        return PyUnicode_FromStringAndSize(name_end, stop - name_end);
                    }
                    part = stop + 1;
                }
                Py_RETURN_NONE;
            }
        }
    }
    return in_python(object, &RequestType, s_get_query, args, count, keywords);
}

/* Return the position of a parameter that is asked for by its position or its name, -1 for what Python looks at. */
static long parameter_index(Request *self, PyObject *asked)
{
    long index;
    int overflow;
    if (PyLong_CheckExact(asked)) {
        index = PyLong_AsLongAndOverflow(asked, &overflow);
        return overflow || index > LAST_INDEX ? -1 : index;
    }
    if (PyUnicode_CheckExact(asked) && self->plain_type == Py_TYPE(self)) {
        PyObject *names = SLOT(self->binding->route, at_parameter_names);
        if (names != NULL && PyTuple_CheckExact(names))
            for (index = 0; index < PyTuple_GET_SIZE(names) && index <= LAST_INDEX; index++) {
                PyObject *name = PyTuple_GET_ITEM(names, index);
                if (PyUnicode_CheckExact(name) && !PyUnicode_Compare(name, asked))
                    return index;
            }
    }
    return -1;
}

static PyObject *request_get_parameter(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Request *self = (Request *)object;
    if (count == 1 && keywords == NULL && is_none(self->params) && is_readable(self)) {
        long index = parameter_index(self, args[0]);
        if (index >= 0) {
            bool by_name = PyUnicode_CheckExact(args[0]);
            const char *data = NULL;
            size_t length = core_parameter(self->native, (unsigned short)index, &data);
            if (data == NULL) {
                if (!by_name)
                    Py_RETURN_NONE;
            }
            else if (!by_name || !memchr(data, '%', length))
                return text(data, length);
        }
    }
    return in_python(object, &RequestType, s_get_parameter, args, count, keywords);
}

/* -- the snapshot of a request */

typedef struct {
    PyObject *headers; /* names and values, NULL from the first one on that is not UTF-8 */
    Py_ssize_t count;
} Snapshot;

static void on_header(const char *name, size_t name_length, const char *value, size_t value_length, void *user_data)
{
    Snapshot *snapshot = user_data;
    PyObject *key = NULL, *text = NULL;
    if (snapshot->headers == NULL)
        return;
    key = PyUnicode_DecodeUTF8(name, (Py_ssize_t)name_length, NULL);
    if (key != NULL)
        text = PyUnicode_DecodeUTF8(value, (Py_ssize_t)value_length, NULL);
    if (text == NULL || PyDict_SetItem(snapshot->headers, key, text) < 0)
        Py_CLEAR(snapshot->headers);
    snapshot->count++;
    Py_XDECREF(key);
    Py_XDECREF(text);
}

/* Keep all headers of a readable request; false without an error where Python has to, since one comes twice or is no text. */
static bool keep_headers(Request *self)
{
    Snapshot snapshot = {PyDict_New(), 0};
    if (snapshot.headers != NULL)
        core_each_header(self->native, on_header, &snapshot);
    PyErr_Clear();
    if (snapshot.headers == NULL || PyDict_GET_SIZE(snapshot.headers) != snapshot.count) {
        Py_XDECREF(snapshot.headers);
        return false;
    }
    set_object(&self->headers, snapshot.headers);
    Py_DECREF(snapshot.headers);
    return true;
}

static PyObject *request_get_headers(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Request *self = (Request *)object;
    if (count == 0 && keywords == NULL && (!is_none(self->headers) || (is_readable(self) && keep_headers(self)))) {
        Py_INCREF(self->headers);
        return self->headers;
    }
    return in_python(object, &RequestType, s_get_headers, args, count, keywords);
}

/* Keep a text of a readable request; false without an error where there is none. */
static bool keep_text(Request *self, PyObject **held, size_t (*getter)(void *, const char **))
{
    if (is_none(*held)) {
        PyObject *read = read_once((PyObject *)self, held, getter);
        Py_XDECREF(read);
        PyErr_Clear();
    }
    return !is_none(*held) && PyUnicode_CheckExact(*held);
}

/* Keep the path of a full url that is kept. */
static bool keep_url(Request *self)
{
    PyObject *full = self->full_url, *url;
    Py_ssize_t end = PyUnicode_FindChar(full, '?', 0, PyUnicode_GET_LENGTH(full), 1);
    if (end == -1) {
        set_object(&self->url, full);
        return true;
    }
    url = end < 0 ? NULL : PyUnicode_Substring(full, 0, end);
    if (url != NULL)
        set_object(&self->url, url);
    Py_XDECREF(url);
    PyErr_Clear();
    return url != NULL;
}

/* Keep the parameters of a readable request, and their names, which are those of its route. */
static bool keep_parameters(Request *self)
{
    PyObject *names = SLOT(self->binding->route, at_parameter_names), *found, *value = NULL;
    const char *data;
    size_t length;
    if (names == NULL || !PyTuple_CheckExact(names) || !is_none(self->params) || (found = PyList_New(0)) == NULL)
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names) && i <= LAST_INDEX; i++) {
        data = NULL;
        length = core_parameter(self->native, (unsigned short)i, &data);
        if (data == NULL || !length || (value = text(data, length)) == NULL || PyList_Append(found, value) < 0)
            break;
        Py_CLEAR(value);
    }
    Py_XDECREF(value);
    if (PyErr_Occurred() || PyList_GET_SIZE(found) != PyTuple_GET_SIZE(names)
        || (PyList_GET_SIZE(found) && PyObject_SetAttr((PyObject *)self, s_parameter_names, names) < 0)) {
        PyErr_Clear();
        Py_DECREF(found);
        return false;
    }
    set_object(&self->params, found);
    Py_DECREF(found);
    return true;
}

static PyObject *request_preserve(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Request *self = (Request *)object;
    if (count == 0 && keywords == NULL && self->plain_type == Py_TYPE(self)) {
        if (self->is_preserved == ON)
            return same(object);
        if (is_readable(self) && (!is_none(self->headers) || keep_headers(self))
            && keep_text(self, &self->full_url, core_full_url) && keep_url(self)
            && keep_text(self, &self->method, core_method) && keep_parameters(self)) {
            self->is_preserved = ON;
            return same(object);
        }
    }
    return in_python(object, &RequestType, s_preserve, args, count, keywords);
}

static PyObject *request_dispatched_response(PyObject *object, PyObject *Py_UNUSED(none))
{
    Request *self = (Request *)object;
    if (self->response != NULL && self->thread == PyThread_get_thread_ident()) {
        Py_INCREF(self->response);
        return self->response;
    }
    return in_python(object, &RequestType, s_dispatched_response, NULL, 0, NULL);
}

/* -- the response */

/* Whether the state here is all that there is, and the functions here are the ones of its class. */
static inline bool is_plain(Response *self)
{
    return self->plain_type == Py_TYPE(self) && self->version == classes_version;
}

/* Whether Python has not put the response into the table of those that wait. */
static inline bool has_no_key(Response *self)
{
    int overflow;
    return self->key == NULL || (PyLong_CheckExact(self->key) && PyLong_AsLongAndOverflow(self->key, &overflow) == 0);
}

/* Whether a plain response is answered, and may not be; an error counts as answered, which Python then meets again. */
static bool is_answered(Response *self)
{
    PyObject *answered;
    bool result;
    if (!self->is_observed)
        return self->answered == ON;
    answered = PyObject_GetAttr((PyObject *)self, s_answered);
    result = answered != Py_False;
    Py_XDECREF(answered);
    PyErr_Clear();
    return result;
}

static inline bool is_open(Response *self)
{
    return is_plain(self) && has_no_key(self) && !is_answered(self);
}

/* Return the number of a response that Python has put into the table of those that wait, 0 where it is none. */
static uintptr_t key_of(Response *self)
{
    uintptr_t key = self->key != NULL && PyLong_CheckExact(self->key) ? PyLong_AsSize_t(self->key) : 0;
    if (key == (uintptr_t)-1) {
        PyErr_Clear();
        key = 0;
    }
    return key;
}

/* Whether the core's response is there, and this thread's. */
static inline bool is_at_hand(Response *self)
{
    return is_plain(self) && self->native != NULL && self->thread == PyThread_get_thread_ident();
}

static PyObject *response__wait(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Response *self = (Response *)object;
    if (count == 0 && keywords == NULL && is_at_hand(self) && !is_none(self->request)) {
        if (has_no_key(self)) {
            PyObject *key = PyObject_CallNoArgs(next_key);
            if (key == NULL)
                return NULL;
            if (PyObject_SetAttr(self->request, s_response_key, key) < 0 || PyDict_SetItem(pending, key, object) < 0) {
                Py_DECREF(key);
                return NULL;
            }
            set_object(&self->key, key);
            Py_DECREF(key);
            self->body_only = self->single_write = OFF;
            core_on_aborted(self->ssl, self->native, on_aborted, (void *)key_of(self));
        }
        return PyObject_CallOneArg(make_address, self->key);
    }
    return in_python(object, &ResponseType, s_wait, args, count, keywords);
}

static void on_data(void *res, const char *chunk, size_t length, bool is_end, void *user_data);

static PyObject *response__read_natively(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Response *self = (Response *)object;
    if (count == 0 && keywords == NULL && is_at_hand(self)) {
        PyObject *address = key_of(self) ? NULL : PyObject_CallMethodNoArgs(object, s_wait);
        if (address == NULL && !key_of(self))
            return NULL;
        Py_XDECREF(address);
        if (is_at_hand(self) && key_of(self)) {
            core_on_data(self->ssl, self->native, on_data, (void *)key_of(self));
            Py_RETURN_NONE;
        }
    }
    return in_python(object, &ResponseType, s_read_natively, args, count, keywords);
}

/* Return the status line of a code that is known and allows a body, borrowed, or NULL without an error. */
static PyObject *body_status(PyObject *status)
{
    PyObject *line = NULL;
    if (PyLong_CheckExact(status) || PyUnicode_CheckExact(status))
        line = PyDict_GetItemWithError(body_statuses, status);
    if (line == NULL)
        PyErr_Clear();
    else if (!PyBytes_CheckExact(line))
        line = NULL;
    return line;
}

/* Whether a text is printable ASCII, which no header is split by. */
static bool is_printable(PyObject *value)
{
    if (!PyUnicode_CheckExact(value) || !PyUnicode_IS_COMPACT_ASCII(value))
        return false;
    const unsigned char *data = PyUnicode_DATA(value);
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(value); i++)
        if (data[i] < 0x20 || data[i] > 0x7E)
            return false;
    return true;
}

/* Point to a header's value of printable ASCII, or of bytes without control characters. */
static bool header_value(PyObject *value, const char **data, Py_ssize_t *length)
{
    if (PyBytes_CheckExact(value)) {
        *data = PyBytes_AS_STRING(value);
        *length = PyBytes_GET_SIZE(value);
        for (Py_ssize_t i = 0; i < *length; i++) {
            unsigned char c = (*data)[i];
            if ((c < 0x20 && c != '\t') || c == 0x7F)
                return false;
        }
        return true;
    }
    if (!is_printable(value))
        return false;
    *data = PyUnicode_DATA(value);
    *length = PyUnicode_GET_LENGTH(value);
    return true;
}

/* Return the line of a status with a reason, of an answer that may have a body; NULL without an error for another one. */
static PyObject *status_line(PyObject *status)
{
    if (!is_printable(status) || PyUnicode_GET_LENGTH(status) < 3)
        return NULL;
    const char *line = PyUnicode_DATA(status);
    Py_ssize_t length = PyUnicode_GET_LENGTH(status);
    if (line[0] < '2' || line[0] > '9' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9'
        || (length > 3 && line[3] != ' ') || !memcmp(line, "204", 3) || !memcmp(line, "304", 3))
        return NULL;
    return PyBytes_FromStringAndSize(line, length);
}

static PyObject *response_write_status(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Response *self = (Response *)object;
    if (count == 1 && keywords == NULL && is_plain(self) && self->head_sent != ON && !is_answered(self)) {
        PyObject *line = body_status(args[0]), *made = NULL;
        if (line == NULL && (line = made = status_line(args[0])) == NULL && PyErr_Occurred())
            return NULL;
        if (line != NULL) {
            set_object(&self->status, line);
            Py_XDECREF(made);
            self->body_only = OFF;
            return same(object);
        }
    }
    return in_python(object, &ResponseType, s_write_status, args, count, keywords);
}

static PyObject *response_write_header(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Response *self = (Response *)object;
    const char *value;
    Py_ssize_t length;
    if (count == 2 && keywords == NULL && is_plain(self) && self->head_sent != ON && !is_answered(self)
        && (PyUnicode_CheckExact(args[0]) || PyBytes_CheckExact(args[0])) && header_value(args[1], &value, &length)
        && (self->head == NULL || PyBytes_CheckExact(self->head))) {
        PyObject *name = PyDict_GetItemWithError(header_names, args[0]);
        if (name != NULL && PyBytes_CheckExact(name) && PyBytes_GET_SIZE(name)) {
            Py_ssize_t before = self->head == NULL ? 0 : PyBytes_GET_SIZE(self->head);
            Py_ssize_t beginning = PyBytes_GET_SIZE(name);
            PyObject *head = PyBytes_FromStringAndSize(NULL, before + beginning + length), *earlier;
            if (head == NULL)
                return NULL;
            char *to = PyBytes_AS_STRING(head);
            if (before)
                memcpy(to, PyBytes_AS_STRING(self->head), before);
            memcpy(to + before, PyBytes_AS_STRING(name), beginning);
            memcpy(to + before + beginning, value, length);
            earlier = self->head;
            self->head = head;
            Py_XDECREF(earlier);
            self->body_only = OFF;
            return same(object);
        }
        PyErr_Clear();
    }
    return in_python(object, &ResponseType, s_write_header, args, count, keywords);
}

/* Leave an answer to the dispatcher. `type` is NULL where the answer is nothing but the body. */
static PyObject *leave(Response *self, PyObject *data, PyObject *type)
{
    PyObject *earlier = self->unsent;
    if (type != NULL)
        set_object(&self->unsent_type, type);
    Py_INCREF(data);
    self->unsent = data;
    Py_XDECREF(earlier);
    if (!self->is_observed)
        self->answered = ON;
    else if (PyObject_SetAttr((PyObject *)self, s_answered, Py_True) < 0)
        return NULL;
    return same((PyObject *)self);
}

static inline bool is_body(PyObject *message)
{
    return PyBytes_CheckExact(message) || PyUnicode_CheckExact(message);
}

/* Return a body as bytes, and in `type` the content type of what has become JSON, else NULL. */
static PyObject *encode_body(Response *self, PyObject *message, PyObject *line, PyObject **type)
{
    PyObject *args[3] = {(PyObject *)self, message, line}, *both, *data, *dump;
    *type = NULL;
    if (PyBytes_CheckExact(message)) {
        Py_INCREF(message);
        return message;
    }
    if (PyUnicode_CheckExact(message))
        return PyUnicode_AsUTF8String(message);
    if ((PyDict_CheckExact(message) || PyList_CheckExact(message)) && is_none(self->encode)
        && (dump = SLOT(self->server, at_dump_json)) != NULL) {
        Py_INCREF(dump);
        if ((data = PyObject_CallOneArg(dump, message)) != NULL) {
            *type = json_type;
            Py_INCREF(*type);
        }
        Py_DECREF(dump);
        return data;
    }
    both = PyObject_VectorcallMethod(s_body, args, line == NULL ? 2 : 3, NULL);
    if (both == NULL)
        return NULL;
    if (!PyTuple_CheckExact(both) || PyTuple_GET_SIZE(both) != 2) {
        Py_DECREF(both);
        PyErr_SetString(PyExc_TypeError, "_body returns bytes and a content type");
        return NULL;
    }
    data = PyTuple_GET_ITEM(both, 0);
    Py_INCREF(data);
    if (PyTuple_GET_ITEM(both, 1) != Py_None) {
        *type = PyTuple_GET_ITEM(both, 1);
        Py_INCREF(*type);
    }
    Py_DECREF(both);
    return data;
}

/* Whether a response waits, and nothing but a whole answer with a body is to be sent. */
static bool is_late(Response *self)
{
    PyObject *bodiless, *cookies;
    bool result;
    if (!is_at_hand(self) || !key_of(self) || self->head_sent == ON || self->last == ON || is_answered(self)
        || (!is_none(self->status) && !PyBytes_CheckExact(self->status))
        || (self->head != NULL && !PyBytes_CheckExact(self->head)))
        return false;
    if (!is_none(self->status)
        && (!strncmp(PyBytes_AS_STRING(self->status), "204", 3) || !strncmp(PyBytes_AS_STRING(self->status), "304", 3)))
        return false;
    bodiless = PyObject_GetAttr((PyObject *)self, s_bodiless);
    cookies = PyObject_GetAttr((PyObject *)self, s_write_jar);
    result = bodiless == Py_False && cookies == Py_None;
    Py_XDECREF(bodiless);
    Py_XDECREF(cookies);
    PyErr_Clear();
    return result;
}

static bool send_whole(Response *response, PyObject *data, PyObject *type);

/* Answer from a callback, with a body and its content type, NULL for none. */
static PyObject *answer_late(Response *self, PyObject *data, PyObject *type)
{
    PyObject *done = PyObject_CallMethodNoArgs((PyObject *)self, s_finish);
    if (done == NULL)
        return NULL;
    Py_DECREF(done);
    if (self->native != NULL && !send_whole(self, data, type == NULL ? empty_bytes : type)) {
        core_close(self->ssl, self->native);
        return PyErr_NoMemory();
    }
    return same((PyObject *)self);
}

static PyObject *response_end(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Response *self = (Response *)object;
    PyObject *data, *type, *result;
    if (count > 1 || keywords != NULL || !((is_open(self) && self->single_write != OFF) || is_late(self)))
        return in_python(object, &ResponseType, s_end, args, count, keywords);
    data = encode_body(self, count ? args[0] : empty_bytes, NULL, &type);
    if (data == NULL)
        return NULL;
    /* Encoding may have run anybody's code. */
    if (PyBytes_CheckExact(data) && is_late(self))
        result = answer_late(self, data, type);
    else if (!is_open(self) || self->single_write == OFF || !PyBytes_CheckExact(data)) {
        result = PyObject_CallMethodObjArgs(object, s_answer, s_end, data, type == NULL ? Py_None : type, Py_False, NULL);
    }
    else if (type != NULL)
        result = leave(self, data, type);
    else
        /* Bytes and text are nothing but a body, where nothing else was written; Python sends others with a head. */
        result = leave(self, data, is_body(count ? args[0] : empty_bytes) && self->body_only != OFF ? NULL : empty_bytes);
    Py_DECREF(data);
    Py_XDECREF(type);
    return result;
}

static const char *const SEND_NAMES[] = {"message", "content_type", "status", "headers", "end_connection"};

/* Sort the arguments of `send` by their positions; false for a call that Python has to refuse. */
static bool sort_arguments(PyObject **sorted, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    size_t place;
    if (count > (Py_ssize_t)COUNT(SEND_NAMES))
        return false;
    for (Py_ssize_t i = 0; i < count; i++)
        sorted[i] = args[i];
    for (Py_ssize_t i = 0; i < named; i++) {
        for (place = 0; place < COUNT(SEND_NAMES); place++)
            if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, i), SEND_NAMES[place]) == 0)
                break;
        if (place == COUNT(SEND_NAMES) || sorted[place] != NULL)
            return false;
        sorted[place] = args[count + i];
    }
    return true;
}

static inline bool takes_whole(Response *self)
{
    return is_open(self) && self->single_write != OFF && self->head_sent != ON;
}

static PyObject *call_quietly(PyObject *result)
{
    Py_XDECREF(result);
    return result;
}

/* Finish `send` where making JSON has run code that has changed the response: step by step, by its own methods. */
static PyObject *send_changed(PyObject *object, PyObject *data, PyObject *type, PyObject *line)
{
    PyObject *answered = PyObject_GetAttr(object, s_answered), *head_sent;
    int is_true = answered == NULL ? -1 : PyObject_IsTrue(answered);
    Py_XDECREF(answered);
    if (is_true)
        return is_true < 0 ? NULL : PyObject_CallMethodOneArg(object, s_refuse, s_send);
    if (line != NULL) {
        head_sent = PyObject_GetAttr(object, s_head_sent);
        is_true = head_sent == NULL ? -1 : PyObject_IsTrue(head_sent);
        Py_XDECREF(head_sent);
        if (is_true < 0)
            return NULL;
        if (call_quietly(is_true ? PyObject_CallMethodOneArg(object, s_refuse_head, s_send)
                                 : PyObject_CallMethodOneArg(object, s_set_status, line))
            == NULL)
            return NULL;
    }
    return PyObject_CallMethodObjArgs(object, s_answer, s_send, data, type, Py_False, NULL);
}

static PyObject *response_send(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Response *self = (Response *)object;
    PyObject *sorted[COUNT(SEND_NAMES)] = {NULL}, *message, *line = NULL, *data, *type;
    if (!takes_whole(self) || !sort_arguments(sorted, args, count, keywords))
        goto python;
    if (!is_none(sorted[3]) || (sorted[4] != NULL && sorted[4] != Py_False))
        goto python;
    if (!is_none(sorted[2]) && (line = body_status(sorted[2])) == NULL)
        goto python;
    message = sorted[0] == NULL ? empty_bytes : sorted[0];
    if (!is_none(sorted[1])) {
        /* It is not for what becomes JSON, and takes the place of one that was written. */
        if (!is_body(message) || !is_printable(sorted[1]) || (self->head != NULL && PyObject_Size(self->head) != 0))
            goto python;
    }
    data = encode_body(self, message, line, &type);
    if (data == NULL)
        return NULL;
    if (type == NULL) {
        if (!is_none(sorted[1]) && PyUnicode_GET_LENGTH(sorted[1])) {
            if ((type = PyUnicode_AsUTF8String(sorted[1])) == NULL) {
                Py_DECREF(data);
                return NULL;
            }
        }
        else {
            type = plain_type;
            Py_INCREF(type);
        }
    }
    if (!takes_whole(self) || !PyBytes_CheckExact(data)) { /* encoding has run somebody's code */
        PyObject *result = send_changed(object, data, type, line);
        Py_DECREF(type);
        Py_DECREF(data);
        return result;
    }
    if (line != NULL) {
        set_object(&self->status, line);
        self->body_only = OFF;
    }
    object = leave(self, data, type);
    Py_DECREF(type);
    Py_DECREF(data);
    return object;
python:
    return in_python(object, &ResponseType, s_send, args, count, keywords);
}

/* -- dispatch */

/* Hand a body to the core; a large one without the GIL, which others wait for: `call` may not call Python. */
#define CORE_CALL(size, call)                                                                                            \
    do {                                                                                                               \
        if ((size) >= RELEASED_FROM) {                                                                                 \
            Py_BEGIN_ALLOW_THREADS call;                                                                               \
            Py_END_ALLOW_THREADS                                                                                       \
        }                                                                                                              \
        else                                                                                                           \
            call;                                                                                                      \
    } while (0)

/* Return the error that is set, with its traceback, in place of it. */
static PyObject *take_error(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *kind, *error, *traceback;
    PyErr_Fetch(&kind, &error, &traceback);
    PyErr_NormalizeException(&kind, &error, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(error, traceback);
    Py_XDECREF(kind);
    Py_XDECREF(traceback);
    return error;
#endif
}

/* Last resort: nothing that needs memory. The core ends the process where a callback returns without an answer. */
static void close_natively(Binding *binding, void *res)
{
    if (PyErr_Occurred())
        PyErr_WriteUnraisable((PyObject *)binding);
    if (!core_has_responded(binding->ssl, res))
        core_close(binding->ssl, res);
}

/* Close the connection of a request whose dispatch has raised the error that is set. */
static void drop(Binding *binding, void *res, Response *response)
{
    PyObject *error = take_error(), *pointer = make_pointer(pointer_to_response, res), *ssl, *done = NULL;
    ssl = PyLong_FromLong(binding->ssl);
    if (pointer != NULL && ssl != NULL)
        done = PyObject_CallFunctionObjArgs(drop_request, error, response == NULL ? Py_None : (PyObject *)response,
                                            pointer, ssl, NULL);
    Py_XDECREF(ssl);
    Py_XDECREF(pointer);
    Py_XDECREF(error);
    if (done == NULL)
        close_natively(binding, res);
    Py_XDECREF(done);
}

/* Dispatch in Python: a request that another route has yielded, and one whose classes keep their state elsewhere. */
static void dispatch_otherwise(Binding *binding, void *res, void *req)
{
    PyObject *response = make_pointer(pointer_to_response, res), *request = NULL, *done = NULL, *error;
    if (response != NULL)
        request = make_pointer(pointer_to_request, req);
    if (request != NULL) {
        PyObject *handle = SLOT(binding->route, at_handle);
        if (handle != NULL)
            done = PyObject_CallFunctionObjArgs(dispatch_in_python, response, request, handle, NULL);
        else
            PyErr_SetString(PyExc_SystemError, "a route has no handle");
    }
    Py_XDECREF(request);
    Py_XDECREF(response);
    if (done == NULL) {
        error = take_error();
        PyObject *traceback = error == NULL ? NULL : PyException_GetTraceback(error);
        if (traceback != NULL)
            done = PyObject_CallFunctionObjArgs(drop_unserved, (PyObject *)Py_TYPE(error), error, traceback, NULL);
        Py_XDECREF(traceback);
        Py_XDECREF(error);
        if (done == NULL)
            close_natively(binding, res);
    }
    Py_XDECREF(done);
}

/* Look again at the classes of a route, which are others than before. */
static int check_route(Binding *binding, PyObject *request_class, PyObject *response_class)
{
    PyObject *found;
    int usable, plain_request, plain_response, is_observed;
    set_object(&binding->request_class, request_class);
    set_object(&binding->response_class, response_class);
    binding->version = 0;
    found = PyObject_CallFunctionObjArgs(check_classes, request_class, response_class, NULL);
    if (found == NULL)
        return -1;
    if (!PyArg_ParseTuple(found, "pppp", &usable, &plain_request, &plain_response, &is_observed)) {
        Py_DECREF(found);
        return -1;
    }
    Py_DECREF(found);
    if (usable && !(PyType_Check(request_class) && PyType_IsSubtype((PyTypeObject *)request_class, &RequestType)
                    && PyType_Check(response_class) && PyType_IsSubtype((PyTypeObject *)response_class, &ResponseType)))
        usable = 0;
    binding->usable = usable;
    binding->plain_request = plain_request;
    binding->plain_response = plain_response;
    binding->is_observed = is_observed;
    binding->version = classes_version;
    return 0;
}

/* Whether a Content-Type is among header lines. */
static bool has_content_type(const char *lines, Py_ssize_t length)
{
    static const char wanted[] = "\r\ncontent-type: ";
    const Py_ssize_t size = sizeof(wanted) - 1;
    for (const char *at = lines, *end = lines + length; end - at >= size; at++) {
        Py_ssize_t i;
        if ((at = memchr(at, '\r', end - at)) == NULL || end - at < size)
            return false;
        for (i = 1; i < size; i++) {
            char c = at[i];
            if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != wanted[i])
                break;
        }
        if (i == size)
            return true;
    }
    return false;
}

/* Send an answer with its head, of which nothing was changed on the way; false without memory. */
static bool send_whole(Response *response, PyObject *data, PyObject *type)
{
    PyObject *status = is_none(response->status) ? ok_status : response->status, *lines = response->head, *head = status;
    void *native = response->native; /* these too are read here, since the call may run without the GIL */
    int ssl = response->ssl;
    bool last = response->last == ON;
    Py_ssize_t before = PyBytes_GET_SIZE(status), more = lines == NULL ? 0 : PyBytes_GET_SIZE(lines);
    if (response->body_only != OFF)
        head = ok_status;
    else if (more) {
        if ((head = PyBytes_FromStringAndSize(NULL, before + more)) == NULL) {
            PyErr_Clear();
            return false;
        }
        memcpy(PyBytes_AS_STRING(head), PyBytes_AS_STRING(status), before);
        memcpy(PyBytes_AS_STRING(head) + before, PyBytes_AS_STRING(lines), more);
        if (PyBytes_GET_SIZE(type) && has_content_type(PyBytes_AS_STRING(lines), more))
            type = empty_bytes;
    }
    if (head == status || head == ok_status)
        Py_INCREF(head);
    Py_INCREF(type);
    CORE_CALL(PyBytes_GET_SIZE(data),
              core_cork_send(ssl, native, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data),
                             PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head), PyBytes_AS_STRING(type),
                             PyBytes_GET_SIZE(type), last));
    Py_DECREF(type);
    Py_DECREF(head);
    return true;
}

/* Send the answer that a handler has left, with its head; false where Python has to. */
static bool deliver(Response *response, PyObject *data)
{
    PyObject *type = response->unsent_type, *status = response->status, *lines = response->head;
    if (!is_plain(response) || !has_no_key(response) || response->native == NULL || type == sent_type
        || !PyBytes_CheckExact(type) || (!is_none(status) && !PyBytes_CheckExact(status))
        || (lines != NULL && !PyBytes_CheckExact(lines)))
        return false;
    return send_whole(response, data, type);
}

/* Handle what the handler has returned, and send the answer that it has left. */
static int settle(Binding *binding, void *res, Response *response, Request *request, PyObject *result)
{
    PyObject *data = response->unsent, *done;
    if (is_none(data)) {
        if (is_plain(response) && !response->is_observed) {
            if (response->answered == ON)
                return 0;
        }
        else {
            PyObject *answered = PyObject_GetAttr((PyObject *)response, s_answered);
            int is_true = answered == NULL ? -1 : PyObject_IsTrue(answered);
            Py_XDECREF(answered);
            if (is_true)
                return is_true < 0 ? -1 : 0;
        }
        done = PyObject_CallFunctionObjArgs(handle_result, binding->route, (PyObject *)response, (PyObject *)request,
                                            result, NULL);
        Py_XDECREF(done);
        return done == NULL ? -1 : 0;
    }
    if (!PyBytes_Check(data)) {
        PyErr_Format(PyExc_TypeError, "the body of an answer is bytes, not a %s", Py_TYPE(data)->tp_name);
        return -1;
    }
    Py_INCREF(data);
    if (is_none(response->unsent_type)) {
        CORE_CALL(PyBytes_GET_SIZE(data),
                  core_end(binding->ssl, res, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), false));
        done = same(Py_None);
    }
    else if (deliver(response, data))
        done = same(Py_None);
    else
        done = PyObject_CallMethodNoArgs((PyObject *)response, s_deliver);
    Py_DECREF(data);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Run the handler in the context of its request. */
static PyObject *run(PyObject *handler, Response *response, Request *request)
{
    PyObject *context = response->variables, *args[3] = {NULL, (PyObject *)response, (PyObject *)request}, *result;
    Py_INCREF(context);
    Py_INCREF(handler);
    if (PyContext_Enter(context) < 0)
        result = NULL;
    else {
        result = PyObject_Vectorcall(handler, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        if (PyContext_Exit(context) < 0)
            Py_CLEAR(result);
    }
    Py_DECREF(handler);
    Py_DECREF(context);
    return result;
}

static void dispatch(Binding *binding, void *res, void *req)
{
    PyObject *route = binding->route, *server = SLOT(route, at_server), *handler = SLOT(route, at_handler);
    PyObject *request_class = SLOT(route, at_request_class), *response_class = SLOT(route, at_response_class);
    Response *response = NULL;
    Request *request = NULL;
    PyObject *result;
    if (server == NULL || handler == NULL || request_class == NULL || response_class == NULL) {
        dispatch_otherwise(binding, res, req);
        return;
    }
    Py_INCREF(server);
    Py_INCREF(handler);
    if (binding->version != classes_version || binding->request_class != request_class
        || binding->response_class != response_class) {
        if (check_route(binding, request_class, response_class) < 0) {
            drop(binding, res, NULL);
            goto end;
        }
    }
    if (!PyObject_TypeCheck(server, server_type) || SLOT(server, at_yielded) != Py_None || !binding->usable) {
        dispatch_otherwise(binding, res, req);
        goto end;
    }
    /* The binding keeps the classes. */
    response = (Response *)((PyTypeObject *)response_class)->tp_alloc((PyTypeObject *)response_class, 0);
    if (response != NULL)
        request = (Request *)((PyTypeObject *)request_class)->tp_alloc((PyTypeObject *)request_class, 0);
    if (request == NULL || (response->variables = PyContext_CopyCurrent()) == NULL) {
        drop(binding, res, response);
        goto end;
    }
    response->native = res;
    response->plain_type = binding->plain_response ? Py_TYPE(response) : NULL;
    response->version = classes_version;
    response->thread = PyThread_get_thread_ident();
    response->ssl = binding->ssl;
    response->is_observed = binding->is_observed;
    Py_INCREF(request);
    response->request = (PyObject *)request;
    request->native = req;
    request->plain_type = binding->plain_request ? Py_TYPE(request) : NULL;
    request->thread = PyThread_get_thread_ident();
    request->response = (PyObject *)response;
    request->binding = binding;
    response->server = server;
    set_object(&SLOT(server, at_entered), route);
    result = run(handler, response, request);
    if (result == NULL || settle(binding, res, response, request, result) < 0) {
        PyObject *error = take_error();
        PyObject *done = PyObject_CallFunctionObjArgs(fail_request, route, (PyObject *)response, (PyObject *)request,
                                                      error, NULL);
        Py_XDECREF(error);
        if (done == NULL) {
            Py_XDECREF(result);
            drop(binding, res, response);
            goto end;
        }
        Py_DECREF(done);
    }
    Py_XDECREF(result);
    if (request->yielded == ON) {
        PyObject *done = PyObject_CallFunctionObjArgs(yield_response, server, (PyObject *)response,
                                                      (PyObject *)request, NULL);
        if (done == NULL)
            drop(binding, res, response);
        Py_XDECREF(done);
    }
end:
    if (request != NULL) {
        PyObject *req_pointer = request->req;
        request->native = NULL;
        request->response = NULL;
        request->binding = NULL;
        request->req = NULL;
        Py_XDECREF(req_pointer);
    }
    Py_XDECREF((PyObject *)response);
    Py_XDECREF((PyObject *)request);
    Py_DECREF(handler);
    Py_DECREF(server);
}

static void on_request(void *res, void *req, void *user_data)
{
    int saved = errno;
    PyGILState_STATE state = PyGILState_Ensure();
    Binding *binding = user_data;
    Py_INCREF(binding);
    dispatch(binding, res, req);
    Py_DECREF(binding);
    PyGILState_Release(state);
    errno = saved;
}

/* -- the body of a request */

static void on_data(void *Py_UNUSED(res), const char *chunk, size_t length, bool is_end, void *user_data)
{
    int saved = errno;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *key = PyLong_FromVoidPtr(user_data), *response, *part, *done = NULL;
    response = key == NULL ? NULL : PyDict_GetItemWithError(pending, key);
    if (response != NULL) {
        Py_INCREF(response);
        if ((part = PyBytes_FromStringAndSize(chunk, (Py_ssize_t)length)) != NULL) {
            done = PyObject_CallFunctionObjArgs(receive_part, response, part, is_end ? Py_True : Py_False, NULL);
            Py_DECREF(part);
        }
        Py_DECREF(response);
    }
    if (done == NULL && PyErr_Occurred())
        PyErr_WriteUnraisable(receive_part);
    Py_XDECREF(done);
    Py_XDECREF(key);
    PyGILState_Release(state);
    errno = saved;
}

/* -- the WebSocket */

/* All open sockets by the core's address: it tells the callback nothing else of a connection. */
static WebSocket **sockets;
static size_t socket_places, socket_count; /* the places are a power of 2 */

static size_t place_of(void *native, size_t places)
{
    uint64_t mixed = (uint64_t)(uintptr_t)native * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 32) & (places - 1);
}

static WebSocket *find_socket(void *native)
{
    WebSocket *found = socket_places ? sockets[place_of(native, socket_places)] : NULL;
    while (found != NULL && found->native != native)
        found = found->next;
    return found;
}

static int grow_sockets(void)
{
    size_t places = socket_places ? socket_places * 2 : 64;
    WebSocket **grown = PyMem_Calloc(places, sizeof(*grown));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < socket_places; i++)
        for (WebSocket *each = sockets[i], *next; each != NULL; each = next) {
            WebSocket **place = &grown[place_of(each->native, places)];
            next = each->next;
            each->next = *place;
            *place = each;
        }
    PyMem_Free(sockets);
    sockets = grown;
    socket_places = places;
    return 0;
}

static void leave_table(WebSocket *self)
{
    WebSocket **place;
    if (self->native == NULL)
        return;
    place = &sockets[place_of(self->native, socket_places)];
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    self->next = NULL;
    self->native = NULL;
    socket_count--;
}

static int enter_table(WebSocket *self, void *native, int ssl)
{
    WebSocket **place;
    if (socket_count >= socket_places && grow_sockets() < 0)
        return -1;
    self->native = native;
    self->thread = PyThread_get_thread_ident();
    self->ssl = ssl;
    place = &sockets[place_of(native, socket_places)];
    self->next = *place;
    *place = self;
    socket_count++;
    return 0;
}

static int websocket_set_ws(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    WebSocket *self = (WebSocket *)object;
    void *native = NULL;
    int is_ssl = 0;
    if (!is_none(value)) {
        PyObject *address = PyObject_CallOneArg(address_of, value);
        if (address != NULL && PyLong_Check(address))
            native = PyLong_AsVoidPtr(address);
        Py_XDECREF(address);
        if (PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_TypeError))
                return -1;
            PyErr_Clear(); /* it is no pointer: Python knows what it is */
            native = NULL;
        }
    }
    if (native != NULL) {
        PyObject *ssl = PyObject_GetAttr(object, s_ssl);
        is_ssl = ssl == NULL ? -1 : PyObject_IsTrue(ssl);
        Py_XDECREF(ssl);
        if (is_ssl < 0)
            return -1;
    }
    leave_table(self);
    if (native != NULL && find_socket(native) == NULL && enter_table(self, native, is_ssl) < 0)
        return -1;
    return set_field(object, value, &WS_FIELD);
}

static PyObject *websocket_get_ws(PyObject *object, void *Py_UNUSED(closure))
{
    return get_field(object, &WS_FIELD);
}

/* Point to the bytes of text or bytes; `made` keeps them where they had to be made. False without an error for Python. */
static bool bytes_of(PyObject *message, const char **bytes, Py_ssize_t *length, PyObject **made)
{
    *made = NULL;
    if (PyUnicode_CheckExact(message)) {
        if (PyUnicode_IS_COMPACT_ASCII(message)) {
            *bytes = PyUnicode_DATA(message);
            *length = PyUnicode_GET_LENGTH(message);
            return true;
        }
        if ((message = *made = PyUnicode_AsUTF8String(message)) == NULL) {
            PyErr_Clear();
            return false;
        }
    }
    else if (!PyBytes_CheckExact(message))
        return false;
    *bytes = PyBytes_AS_STRING(message);
    *length = PyBytes_GET_SIZE(message);
    return true;
}

/* Return the number of the opcode of text or binary, 0 for another one. */
static int opcode_of(PyObject *opcode)
{
    if (opcode == opcode_binary)
        return 2;
    if (opcode == opcode_text)
        return 1;
    if (PyLong_CheckExact(opcode)) {
        int overflow;
        long given = PyLong_AsLongAndOverflow(opcode, &overflow);
        return given == 1 || given == 2 ? (int)given : 0;
    }
    return 0;
}

static PyObject *websocket_send(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    WebSocket *self = (WebSocket *)object;
    PyObject *message, *data = NULL;
    const char *bytes;
    Py_ssize_t length;
    int opcode, sent;
    bool compress = false, fin = true;
    if (count < 1 || count > 4 || keywords != NULL || self->native == NULL
        || self->thread != PyThread_get_thread_ident() || !(opcode = count == 1 ? 2 : opcode_of(args[1])))
        goto python;
    if (count > 2) {
        if (args[2] != Py_True && args[2] != Py_False)
            goto python;
        compress = args[2] == Py_True;
    }
    if (count > 3) {
        if (args[3] != Py_True && args[3] != Py_False)
            goto python;
        fin = args[3] == Py_True;
    }
    message = args[0];
    if (!bytes_of(message, &bytes, &length, &data))
        goto python;
    if (compress || length >= RELEASED_FROM) {
        int ssl = self->ssl;
        void *native = self->native;
        Py_INCREF(message);
        Py_BEGIN_ALLOW_THREADS
        sent = core_ws_send(ssl, native, bytes, (size_t)length, opcode, compress, fin);
        Py_END_ALLOW_THREADS
        Py_DECREF(message);
    }
    else
        sent = core_ws_send(self->ssl, self->native, bytes, (size_t)length, opcode, compress, fin);
    Py_XDECREF(data);
    if (sent >= 0 && sent < PyTuple_GET_SIZE(send_statuses))
        return same(PyTuple_GET_ITEM(send_statuses, sent));
    return PyErr_Format(PyExc_SystemError, "the core has answered %d", sent);
python:
    return in_python(object, &WebSocketType, s_send, args, count, keywords);
}

/* Publish from the server's thread, without a backplane: text or bytes on a topic, to whoever listens. */
static PyObject *publish_plainly(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    PyObject *server, *thread, *address, *ssl, *name_made, *data_made = NULL;
    const char *name, *data;
    Py_ssize_t name_length, data_length;
    void *app;
    int opcode, is_ssl;
    bool sent, compress;
    if (count != 5 || !PyObject_TypeCheck(server = args[0], server_type) || !(opcode = opcode_of(args[3]))
        || (args[4] != Py_True && args[4] != Py_False) || SLOT(server, at_has_topics) != Py_True
        || SLOT(server, at_topic_counts) != Py_None)
        Py_RETURN_NONE;
    thread = SLOT(server, at_thread);
    address = SLOT(server, at_address);
    ssl = SLOT(server, at_server_ssl);
    if (thread == NULL || address == NULL || ssl == NULL || !PyLong_CheckExact(thread) || !PyLong_CheckExact(address)
        || !PyLong_CheckExact(ssl) || PyLong_AsUnsignedLongMask(thread) != PyThread_get_thread_ident())
        Py_RETURN_NONE;
    if (!bytes_of(args[1], &name, &name_length, &name_made))
        Py_RETURN_NONE;
    if (!bytes_of(args[2], &data, &data_length, &data_made)) {
        Py_XDECREF(name_made);
        Py_RETURN_NONE;
    }
    compress = args[4] == Py_True;
    app = PyLong_AsVoidPtr(address); /* here, since the call may run without the GIL */
    is_ssl = (int)PyLong_AsLong(ssl);
    CORE_CALL(data_length,
              sent = core_publish(is_ssl, app, name, name_length, data, data_length, opcode, compress));
    Py_XDECREF(name_made);
    Py_XDECREF(data_made);
    return PyBool_FromLong(sent);
}

/* Handle a message in Python: of a connection whose state is not here. */
static void receive_otherwise(void *ws, const char *message, size_t length, int opcode, void *user_data)
{
    PyObject *done = PyObject_CallFunction(message_in_python, "NNniN", PyLong_FromVoidPtr(ws),
                                           PyLong_FromVoidPtr((void *)(uintptr_t)message), (Py_ssize_t)length, opcode,
                                           PyLong_FromVoidPtr(user_data));
    if (done == NULL)
        PyErr_WriteUnraisable(message_in_python);
    Py_XDECREF(done);
}

static void receive(WebSocket *self, PyObject *route, PyObject *code, const char *message, size_t length, bool is_text)
{
    PyObject *handler = SLOT(route, at_message), *context = self->variables, *data, *result = NULL, *done;
    Py_INCREF(handler);
    Py_INCREF(context);
    data = is_text ? PyUnicode_DecodeUTF8(message, (Py_ssize_t)length, NULL)
                   : PyBytes_FromStringAndSize(message, (Py_ssize_t)length);
    if (data != NULL && PyContext_Enter(context) == 0) {
        PyObject *args[4] = {NULL, (PyObject *)self, data, code};
        result = PyObject_Vectorcall(handler, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        if (PyContext_Exit(context) < 0)
            Py_CLEAR(result);
    }
    Py_XDECREF(data);
    Py_DECREF(handler);
    if (result != NULL && PyCoro_CheckExact(result)) {
        done = PyObject_CallFunctionObjArgs(start_message, route, result, context, NULL);
        Py_DECREF(result);
        result = done;
    }
    Py_DECREF(context);
    if (result == NULL) {
        PyObject *error = take_error();
        result = PyObject_CallFunctionObjArgs(fail_message, route, error, NULL);
        Py_XDECREF(error);
        if (result == NULL)
            PyErr_WriteUnraisable(fail_message);
    }
    Py_XDECREF(result);
}

static void on_message(void *ws, const char *message, size_t length, int opcode, void *user_data)
{
    int saved = errno;
    PyGILState_STATE state = PyGILState_Ensure();
    WebSocket *self = find_socket(ws);
    PyObject *code = opcode == 1 ? opcode_text : opcode == 2 ? opcode_binary : NULL; /* no other one comes */
    if (self == NULL || code == NULL || is_none(self->route) || is_none(self->variables)
        || !PyObject_TypeCheck(self->route, socket_route_type) || SLOT(self->route, at_message) == NULL)
        receive_otherwise(ws, message, length, opcode, user_data);
    else {
        PyObject *route = self->route;
        Py_INCREF(self);
        Py_INCREF(route);
        Py_INCREF(code);
        receive(self, route, code, message, length, code == opcode_text);
        Py_DECREF(code);
        Py_DECREF(route);
        Py_DECREF(self);
    }
    PyGILState_Release(state);
    errno = saved;
}

/* -- types */

/* The finaliser of the core's class is Python code, which would be looked for behind each object. */
static void finalize(PyObject *Py_UNUSED(self))
{
}

static int visit_fields(PyObject *self, Field *fields, size_t count, visitproc visit, void *arg)
{
    for (size_t i = 0; i < count; i++)
        if (!fields[i].is_flag)
            Py_VISIT(*(PyObject **)((char *)self + fields[i].offset));
    return 0;
}

static void clear_fields(PyObject *self, Field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!fields[i].is_flag)
            Py_CLEAR(*(PyObject **)((char *)self + fields[i].offset));
}

static int request_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Request *)self)->req);
    return visit_fields(self, REQUEST_FIELDS, COUNT(REQUEST_FIELDS), visit, arg);
}

static int request_clear(PyObject *self)
{
    Py_CLEAR(((Request *)self)->req);
    clear_fields(self, REQUEST_FIELDS, COUNT(REQUEST_FIELDS));
    return 0;
}

static void request_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    request_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static int response_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Response *)self)->res);
    return visit_fields(self, RESPONSE_FIELDS, COUNT(RESPONSE_FIELDS), visit, arg);
}

static int response_clear(PyObject *self)
{
    Py_CLEAR(((Response *)self)->res);
    clear_fields(self, RESPONSE_FIELDS, COUNT(RESPONSE_FIELDS));
    return 0;
}

static void response_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    response_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static int websocket_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((WebSocket *)self)->ws);
    return visit_fields(self, WEBSOCKET_FIELDS, COUNT(WEBSOCKET_FIELDS), visit, arg);
}

static int websocket_clear(PyObject *self)
{
    Py_CLEAR(((WebSocket *)self)->ws);
    clear_fields(self, WEBSOCKET_FIELDS, COUNT(WEBSOCKET_FIELDS));
    return 0;
}

static void websocket_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    leave_table((WebSocket *)self);
    websocket_clear(self);
    Py_TYPE(self)->tp_free(self);
}

#define METHOD(target, name, doc)                                                                                        \
    {                                                                                                                  \
        #name, (PyCFunction)(void (*)(void))target##_##name, METH_FASTCALL | METH_KEYWORDS, doc                        \
    }

static PyMethodDef REQUEST_METHODS[] = {
    METHOD(request, get_header, "Return the value of a header, or None; the first one where several have the name."),
    METHOD(request, get_url, "Return the path, without the query."),
    METHOD(request, get_full_url, "Return the path with the query."),
    METHOD(request, get_method, "Return the method as it was sent."),
    METHOD(request, get_query, "Return the first value of a query key, \"\" for one without a value, None without it."),
    METHOD(request, get_parameter, "Return a route parameter, by its name or its position."),
    METHOD(request, get_headers, "Return all headers, names in lower case; of several with one name the first."),
    METHOD(request, preserve, "Take the snapshot now, so that all of it can be read after the handler has returned."),
    {"_dispatched_response", request_dispatched_response, METH_NOARGS, "Return the response while its callback runs."},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef RESPONSE_METHODS[] = {
    METHOD(response, write_status, "Set the status: a code, or a line such as \"404 Not Found\"; the last one counts."),
    METHOD(response, write_header, "Add a header."),
    METHOD(response, _wait, "Enter the table that native callbacks look in."),
    METHOD(response, _read_natively, "Let the core deliver the parts of the body from now on."),
    METHOD(response, end, "Answer with text, bytes, or any other object as JSON."),
    METHOD(response, send, "Answer in one call: status, headers, content type and body."),
    {NULL, NULL, 0, NULL},
};

static PyMethodDef WEBSOCKET_METHODS[] = {
    METHOD(websocket, send, "Send text, bytes, or any other object as JSON."),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef WEBSOCKET_GETSET[COUNT(WEBSOCKET_FIELDS) + 2] = {{"ws", websocket_get_ws, websocket_set_ws, NULL, NULL}};
static PyGetSetDef REQUEST_GETSET[COUNT(REQUEST_FIELDS) + 2] = {{"req", request_get_req, request_set_req, NULL, NULL}};
static PyGetSetDef RESPONSE_GETSET[COUNT(RESPONSE_FIELDS) + 2] = {{"res", response_get_res, response_set_res, NULL, NULL}};

static PyTypeObject RequestType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "socketify_ext_speedups.RequestState",
    .tp_doc = "The state of a request, and its calls that read what is there.",
    .tp_basicsize = sizeof(Request),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = request_dealloc,
    .tp_traverse = request_traverse,
    .tp_clear = request_clear,
    .tp_finalize = finalize,
    .tp_methods = REQUEST_METHODS,
    .tp_getset = REQUEST_GETSET,
};

static PyTypeObject ResponseType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "socketify_ext_speedups.ResponseState",
    .tp_doc = "The state of a response, and its calls that give a whole answer.",
    .tp_basicsize = sizeof(Response),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = response_dealloc,
    .tp_traverse = response_traverse,
    .tp_clear = response_clear,
    .tp_finalize = finalize,
    .tp_methods = RESPONSE_METHODS,
    .tp_getset = RESPONSE_GETSET,
};

static PyTypeObject WebSocketType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "socketify_ext_speedups.WebSocketState",
    .tp_doc = "The state of a WebSocket, and its call that sends.",
    .tp_basicsize = sizeof(WebSocket),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = websocket_dealloc,
    .tp_traverse = websocket_traverse,
    .tp_clear = websocket_clear,
    .tp_finalize = finalize,
    .tp_methods = WEBSOCKET_METHODS,
    .tp_getset = WEBSOCKET_GETSET,
};

static int ready(PyTypeObject *type, PyGetSetDef *to, Field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].interned = PyUnicode_InternFromString(fields[i].name)) == NULL)
            return -1;
        to[i + 1] = (PyGetSetDef){fields[i].name, get_field, set_field, NULL, &fields[i]};
    }
    type->tp_new = PyBaseObject_Type.tp_new;
    return PyType_Ready(type);
}

static int binding_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Binding *)self)->route);
    Py_VISIT(((Binding *)self)->request_class);
    Py_VISIT(((Binding *)self)->response_class);
    return 0;
}

static int binding_clear(PyObject *self)
{
    Py_CLEAR(((Binding *)self)->route);
    Py_CLEAR(((Binding *)self)->request_class);
    Py_CLEAR(((Binding *)self)->response_class);
    return 0;
}

static void binding_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    binding_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *binding_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    PyObject *route, *ssl;
    Binding *self;
    if (!PyArg_ParseTuple(args, "O", &route))
        return NULL;
    if (route_type == NULL || !PyObject_TypeCheck(route, route_type) || (ssl = SLOT(route, at_ssl)) == NULL) {
        PyErr_SetString(PyExc_TypeError, "a binding takes a route");
        return NULL;
    }
    self = (Binding *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    Py_INCREF(route);
    self->route = route;
    self->ssl = PyObject_IsTrue(ssl);
    if (self->ssl < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *binding_address(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromVoidPtr(self);
}

static PyGetSetDef BINDING_GETSET[] = {
    {"address", binding_address, NULL, "What the core gives back to the callback.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject BindingType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "socketify_ext_speedups.Binding",
    .tp_doc = "A route as the native callback finds it; it has to live as long as the core may call.",
    .tp_basicsize = sizeof(Binding),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = binding_new,
    .tp_dealloc = binding_dealloc,
    .tp_traverse = binding_traverse,
    .tp_clear = binding_clear,
    .tp_getset = BINDING_GETSET,
};

/* -- the module */

static int take_addresses(PyObject *addresses)
{
    for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
        PyObject *found = PyMapping_GetItemString(addresses, ADDRESSES[i].name);
        void *address = found == NULL ? NULL : PyLong_AsVoidPtr(found);
        Py_XDECREF(found);
        if (address == NULL) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "the address of %s is 0", ADDRESSES[i].name);
            return -1;
        }
        memcpy(ADDRESSES[i].place, &address, sizeof(address));
    }
    return 0;
}

static int take_objects(PyObject *objects)
{
    for (size_t i = 0; i < COUNT(OBJECTS); i++) {
        PyObject *found = PyMapping_GetItemString(objects, OBJECTS[i].name), *earlier = *OBJECTS[i].place;
        if (found == NULL)
            return -1;
        if (OBJECTS[i].type != NULL && !Py_IS_TYPE(found, OBJECTS[i].type)) {
            PyErr_Format(PyExc_TypeError, "%s is a %s", OBJECTS[i].name, Py_TYPE(found)->tp_name);
            Py_DECREF(found);
            return -1;
        }
        *OBJECTS[i].place = found;
        Py_XDECREF(earlier);
    }
    return 0;
}

static int take_slots(PyObject *class, const Slot *slots, size_t count, PyTypeObject **type)
{
    if (!PyType_Check(class)) {
        PyErr_SetString(PyExc_TypeError, "a class with slots is not a class");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *slot = PyObject_GetAttrString(class, slots[i].name);
        if (slot == NULL)
            return -1;
        PyMemberDef *member = Py_IS_TYPE(slot, &PyMemberDescr_Type) ? ((PyMemberDescrObject *)slot)->d_member : NULL;
        Py_DECREF(slot); /* the class keeps it */
        if (member == NULL || member->type != T_OBJECT_EX) {
            PyErr_Format(PyExc_TypeError, "%s is not a slot", slots[i].name);
            return -1;
        }
        *slots[i].place = member->offset;
    }
    Py_INCREF(class);
    Py_XSETREF(*type, (PyTypeObject *)class);
    return 0;
}

static PyObject *configure(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *addresses, *objects, *route, *socket_route, *server;
    if (!PyArg_ParseTuple(args, "OOOOO", &addresses, &objects, &route, &socket_route, &server))
        return NULL;
    if (take_addresses(addresses) < 0 || take_objects(objects) < 0
        || take_slots(route, SLOTS, COUNT(SLOTS), &route_type) < 0
        || take_slots(socket_route, SOCKET_SLOTS, COUNT(SOCKET_SLOTS), &socket_route_type) < 0
        || take_slots(server, SERVER_SLOTS, COUNT(SERVER_SLOTS), &server_type) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *forget_classes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    classes_version++;
    Py_RETURN_NONE;
}

/* Return the names of the attributes that a struct keeps. */
static PyObject *names_of(Field *fields, size_t count, const char *first)
{
    PyObject *names = PyTuple_New(count + 1);
    for (size_t i = 0; names != NULL && i <= count; i++) {
        PyObject *name = PyUnicode_InternFromString(i == 0 ? first : fields[i - 1].name);
        if (name == NULL)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, i, name);
    }
    return names;
}

static int add(PyObject *module, const char *name, PyObject *value)
{
    int result = value == NULL ? -1 : PyModule_AddObjectRef(module, name, value);
    Py_XDECREF(value);
    return result;
}

static PyMethodDef FUNCTIONS[] = {
    {"publish_plainly", (PyCFunction)(void (*)(void))publish_plainly, METH_FASTCALL,
     "Publish text or bytes from the server's own thread, without a backplane; return None for any other publication."},
    {"configure", configure, METH_VARARGS, "configure(addresses, objects, Route, SocketRoute): take what the functions here use."},
    {"forget_classes", forget_classes, METH_NOARGS, "Look again at all classes, since attributes of one have changed."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,
    .m_name = "socketify_ext_speedups",
    .m_doc = "The hot path of socketify-ext, compiled. It is found by itself; see docs/speedups.md.",
    .m_size = -1,
    .m_methods = FUNCTIONS,
};

PyMODINIT_FUNC PyInit_socketify_ext_speedups(void)
{
    PyObject *module;
    for (size_t i = 0; i < COUNT(STRINGS); i++)
        if ((*STRINGS[i].place = PyUnicode_InternFromString(STRINGS[i].text)) == NULL)
            return NULL;
    REQ_FIELD.interned = PyUnicode_InternFromString(REQ_FIELD.name);
    RES_FIELD.interned = PyUnicode_InternFromString(RES_FIELD.name);
    WS_FIELD.interned = PyUnicode_InternFromString(WS_FIELD.name);
    empty_bytes = PyBytes_FromStringAndSize(NULL, 0);
    if (REQ_FIELD.interned == NULL || RES_FIELD.interned == NULL || WS_FIELD.interned == NULL || empty_bytes == NULL
        || ready(&RequestType, REQUEST_GETSET, REQUEST_FIELDS, COUNT(REQUEST_FIELDS)) < 0
        || ready(&ResponseType, RESPONSE_GETSET, RESPONSE_FIELDS, COUNT(RESPONSE_FIELDS)) < 0
        || ready(&WebSocketType, WEBSOCKET_GETSET, WEBSOCKET_FIELDS, COUNT(WEBSOCKET_FIELDS)) < 0
        || PyType_Ready(&BindingType) < 0 || (module = PyModule_Create(&MODULE)) == NULL)
        return NULL;
    if (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0
        || PyModule_AddStringConstant(module, "__version__", VERSION) < 0
        || add(module, "on_request", PyLong_FromVoidPtr((void *)(uintptr_t)on_request)) < 0
        || add(module, "on_message", PyLong_FromVoidPtr((void *)(uintptr_t)on_message)) < 0
        || add(module, "REQUEST_STATE", names_of(REQUEST_FIELDS, COUNT(REQUEST_FIELDS), "req")) < 0
        || add(module, "RESPONSE_STATE", names_of(RESPONSE_FIELDS, COUNT(RESPONSE_FIELDS), "res")) < 0
        || PyModule_AddObjectRef(module, "RequestState", (PyObject *)&RequestType) < 0
        || PyModule_AddObjectRef(module, "ResponseState", (PyObject *)&ResponseType) < 0
        || PyModule_AddObjectRef(module, "WebSocketState", (PyObject *)&WebSocketType) < 0
        || PyModule_AddObjectRef(module, "Binding", (PyObject *)&BindingType) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
