#include "lib/vocabulary.h"

#include <string.h>

// Words of a fixed list, one space between them.
static bool has_word(const char *words, const char *word)
{
    size_t size = strlen(word);
    if (size == 0 || strchr(word, ' '))
        return false;
    for (const char *at = words; (at = strstr(at, word)); at += size)
        if ((at == words || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

static const char countries[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN "
    "BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ "
    "DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL "
    "GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM "
    "JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
    "MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP "
    "NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD "
    "SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
    "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

// By how many decimal digits the minor unit has. Codes withdrawn of late stay,
// since old budgets are in them; what has no minor unit counts as having none.
static const struct {
    unsigned digits;
    const char *codes;
} currencies[] = {
    {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XAG XAU XBA XBB XBC XBD "
        "XDR XOF XPD XPF XPT XSU XTS XUA XXX"},
    {2, "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN "
        "BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN "
        "ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD "
        "KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
        "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB "
        "SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY "
        "TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"},
    {3, "BHD IQD JOD KWD LYD OMR TND"},
    {4, "CLF UYW"},
};

static bool divipola(const char *code)
{
    return strlen(code) == 5 && strspn(code, "0123456789") == 5;
}

// Either a list of codes or a test of their form.
static const struct {
    const char *name;
    const char *codes;
    bool (*form)(const char *code);
} schemes[] = {
    {SCHEME_HTCDS_ORGANISATION_TYPE,
     "NGO LawEnforcement HealthServiceOrganisation CentralGovernmentOrganisation "
     "LocalGovernmentOrganisation ImmigrationService LegalService CorporateBusiness "
     "SchoolOrCollege",
     NULL},
    {SCHEME_HTCDS_SERVICES,
     "Education Financial Health LabourExploitationRehabilitation Legal Livelihood "
     "RightsBasedTraining SexualExploitationRehabilitation SocialCare",
     NULL},
    {SCHEME_IATI_ORGANISATION_TYPE, "10 11 15 21 22 23 24 30 40 60 70 71 72 73 80 90", NULL},
    {SCHEME_IATI_ACTIVITY_STATUS, "1 2 3 4 5 6", NULL},
    {SCHEME_IATI_ORGANISATION_ROLE, "1 2 3 4", NULL},
    {SCHEME_DIVIPOLA, NULL, divipola},
};

bool country_valid(const char *code)
{
    return has_word(countries, code);
}

bool currency_valid(const char *code)
{
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        if (has_word(currencies[i].codes, code))
            return true;
    return false;
}

unsigned currency_digits(const char *code)
{
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        if (has_word(currencies[i].codes, code))
            return currencies[i].digits;
    return 0;
}

bool scheme_valid(const char *scheme)
{
    size_t size = strlen(scheme);
    return size >= 1 && size <= SCHEME_MAX &&
           strspn(scheme, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == size;
}

bool scheme_has_code(const char *scheme, const char *code)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcmp(schemes[i].name, scheme) == 0)
            return schemes[i].form ? schemes[i].form(code) : has_word(schemes[i].codes, code);
    return true;
}
