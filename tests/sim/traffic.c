#include "tests/sim/traffic.h"

#include "enlace/v1/link.pb-c.h"

enum { SESSION_FIELD = 1, SESSION_BYTES = 18 }; // tag, length, 16 bytes

// The session stands first where there is one; what follows is the oneof's field.
static size_t kind_of(bool publication, span_t bytes)
{
    size_t at = 0;
    if (!publication && bytes.size > SESSION_BYTES && bytes.data[0] >> 3 == SESSION_FIELD)
        at = SESSION_BYTES;
    if (bytes.size < at + 2)
        return 0;
    size_t tag = bytes.data[at] & 0x7f;
    if (bytes.data[at] & 0x80)
        tag |= (size_t)(bytes.data[at + 1] & 0x7f) << 7;
    size_t kind = (tag >> 3) + (publication ? TRAFFIC_PUBLISHED : 0);
    return kind < TRAFFIC_KINDS ? kind : 0;
}

void traffic_add(traffic_t *traffic, traffic_way_t way, bool publication, span_t bytes)
{
    flow_t *flow = &traffic->flows[way][kind_of(publication, bytes)];
    flow->messages++;
    flow->bytes += bytes.size;
}

flow_t traffic_sum(const traffic_t *traffic, traffic_way_t way)
{
    flow_t sum = {0};
    for (size_t kind = 0; kind < TRAFFIC_KINDS; kind++) {
        sum.messages += traffic->flows[way][kind].messages;
        sum.bytes += traffic->flows[way][kind].bytes;
    }
    return sum;
}

const char *traffic_kind(size_t kind)
{
    static const char *const published[] = {"", "published run", "published head",
                                            "published beacons"};
    size_t number = kind < TRAFFIC_PUBLISHED ? kind : kind - TRAFFIC_PUBLISHED;
    if (kind >= TRAFFIC_PUBLISHED)
        return number && number < sizeof published / sizeof *published ? published[number] : NULL;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        &enlace__v1__link_message__descriptor, (unsigned)number);
    return field && number > SESSION_FIELD ? field->name : NULL;
}
